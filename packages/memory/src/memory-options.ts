import { hintFor, MessagingError, type Capabilities, type Driver } from '@waybill/core/driver'
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

const knownOptions = ['name', 'broker', 'like', 'profile', 'capabilities']
const knownCapabilities = [...Object.keys(memoryCapabilities), 'retryInPlace', 'maxHeaders']

/** @throws MessagingError `invalidArgument` on an unknown or contradictory option, saying what there is. */
export function checkMemoryOptions(options: MemoryOptions): MemorySettings {
  refuseUnknown('option', options, knownOptions)
  const { name, broker, like, profile, capabilities = {} } = options
  if (name !== undefined && broker !== undefined) refuse('give either name or broker')
  if (like !== undefined && profile !== undefined) refuse('give either like or profile')
  if (name !== undefined && (typeof name !== 'string' || name === '')) refuse('name must be a text that is not empty')
  if (broker !== undefined && !(broker instanceof MemoryBroker)) refuse('broker must be made by createMemoryBroker()')
  if (profile !== undefined && !Object.hasOwn(memoryProfiles, profile)) {
    refuse(`unknown profile "${profile}": ${hintFor(String(profile), Object.keys(memoryProfiles))}`)
  }
  if (typeof capabilities !== 'object' || capabilities === null) refuse('capabilities must be a record')
  refuseUnknown('capability', capabilities, knownCapabilities)
  const base = like === undefined ? memoryCapabilities : capabilitiesOf(like)
  return {
    broker: broker ?? (name === undefined ? new MemoryBroker('') : sharedBroker(name)),
    system: like !== undefined && 'system' in like ? like.system : 'memory',
    capabilities: capabilitiesFrom(base, profile === undefined ? {} : memoryProfiles[profile], capabilities),
  }
}

function capabilitiesOf(like: Driver | Capabilities): Capabilities {
  const found: unknown = typeof like === 'object' && like !== null && 'capabilities' in like ? like.capabilities : like
  if (typeof found === 'object' && found !== null && 'send' in found) return found as Capabilities
  return refuse('like must be a driver or the capabilities of one')
}

function refuseUnknown(what: string, given: object, known: readonly string[]): void {
  for (const name of Object.keys(given)) {
    if (!known.includes(name)) refuse(`unknown ${what} "${name}": ${hintFor(name, known)}`)
  }
}

function refuse(what: string): never {
  throw new MessagingError('invalidArgument', `memory driver: ${what}`, { system: 'memory' })
}
