import { choiceOption, DriverOptions, hintFor, textOption, type Capabilities, type Driver } from '@waybill/core/driver'
import {
  capabilitiesFrom,
  memoryCapabilities,
  memoryProfiles,
  type CapabilityChanges,
  type MemoryProfile,
} from './memory-capabilities.ts'
import { MemoryBroker, sharedBroker } from './memory-broker.ts'

/** How an embedded broker is reached and what it pretends to be. */
export interface MemoryOptions {
  /** Share a broker with all drivers of this process that give the same name. Default: one of its own per driver. */
  readonly name?: string
  /** The broker to use. Not together with `name`. */
  readonly broker?: MemoryBroker
  /** Declare what this driver, or these capabilities, declare, and refuse what they would refuse. */
  readonly like?: Driver | Capabilities
  /** A typical set of capabilities, by name. Not together with `like`. Default `copies`. */
  readonly profile?: MemoryProfile
  /** Single capabilities to change; `undefined` takes an optional one away. */
  readonly capabilities?: CapabilityChanges
}

/** Options after validation. */
export interface MemorySettings {
  readonly broker: MemoryBroker
  readonly system: string
  readonly capabilities: Capabilities
}

const knownCapabilities = [...Object.keys(memoryCapabilities), 'retryInPlace', 'maxHeaders']

const known = new DriverOptions('memory', {
  name: textOption,
  broker: { check: (it) => (it instanceof MemoryBroker ? undefined : 'must be made by createMemoryBroker()') },
  like: { check: (it) => (capabilitiesOf(it) ? undefined : 'must be a driver or the capabilities of one') },
  profile: choiceOption(...Object.keys(memoryProfiles)),
  capabilities: { check: wrongChanges },
})

/** @throws MessagingError `invalidArgument` on an unknown or contradictory option, saying what there is. */
export function checkMemoryOptions(options: MemoryOptions): MemorySettings {
  known.check(options)
  const { name, broker, like, profile, capabilities = {} } = options
  if (name !== undefined && broker !== undefined) known.refuse('give either name or broker')
  if (like !== undefined && profile !== undefined) known.refuse('give either like or profile')
  const base = capabilitiesOf(like) ?? memoryCapabilities
  return {
    broker: broker ?? (name === undefined ? new MemoryBroker('') : sharedBroker(name)),
    system: like !== undefined && 'system' in like ? like.system : 'memory',
    capabilities: capabilitiesFrom(base, profile === undefined ? {} : memoryProfiles[profile], capabilities),
  }
}

function wrongChanges(changes: unknown): string | undefined {
  if (typeof changes !== 'object' || changes === null) return 'must be a record'
  const unknown = Object.keys(changes).find((name) => !knownCapabilities.includes(name))
  return unknown === undefined ? undefined : `have no "${unknown}": ${hintFor(unknown, knownCapabilities)}`
}

function capabilitiesOf(like: unknown): Capabilities | undefined {
  const { capabilities = like } = Object(like) as { readonly capabilities?: unknown }
  return 'send' in Object(capabilities) ? (capabilities as Capabilities) : undefined
}
