import type { Capabilities } from '@waybill/core/driver'
import type { BehaviourId } from './catalogue.ts'
import type { FaultName } from './faults.ts'
import type { Harness } from './harness.ts'
import type { Kit } from './kit.ts'

/**
 * One behaviour every adapter must show, free of any test runner. `run` passes by resolving.
 *
 * Several cases may prove one id; each but the first then has a `part`, and they are reported one by one.
 */
export interface Behaviour {
  readonly id: BehaviourId
  /** What sets this case apart from the others of its id: `invalid UTF-8`, `after a kill`. */
  readonly part?: string
  /** `long`: uses `kit.size`, and is run in full only with `WAYBILL_TEST_LONG=1`. */
  readonly tags?: readonly 'long'[]
  readonly needs?: Needs
  /** How long the case may take, at reduced size. Default 30 s. */
  readonly deadlineMs?: number
  run(kit: Kit): Promise<void>
  /**
   * Runs instead of `run` where the capability is not declared: proves, with `kit.expectUnsupported`, that asking for
   * it is refused at startup.
   */
  refusal?(kit: Kit): Promise<void>
}

export interface Needs {
  /** Controls that the harness may lack; without one the case is reported as not run. */
  readonly faults?: readonly FaultName[]
  /** What the driver may not declare; without it `refusal` runs. */
  readonly capability?: CapabilityNeed
}

export interface CapabilityNeed {
  /** As in the report: `retryInPlace`, `delayedSend.toChannelMs`. */
  readonly name: string
  declared(capabilities: Capabilities): boolean
}

/** What becomes of a behaviour on one harness, known before it runs. */
export type Plan =
  | { readonly kind: 'run' }
  | { readonly kind: 'refusal'; readonly capability: string }
  | { readonly kind: 'notRun'; readonly fault: FaultName }

/** Faults come second: what is not declared is refused, whether or not it could be disturbed. */
export function planOf(behaviour: Behaviour, harness: Harness, capabilities: Capabilities): Plan {
  const { faults = [], capability } = behaviour.needs ?? {}
  if (capability !== undefined && !capability.declared(capabilities)) {
    if (behaviour.refusal === undefined)
      throw new Error(`${keyOf(behaviour)} needs ${capability.name} but has no refusal`)
    return { kind: 'refusal', capability: capability.name }
  }
  const fault = faults.find((name) => !hasFault(harness, name))
  return fault === undefined ? { kind: 'run' } : { kind: 'notRun', fault }
}

/** The name of a case in reports: its id, and its part if it has one. */
export function keyOf(behaviour: Pick<Behaviour, 'id' | 'part'>): string {
  return behaviour.part === undefined ? behaviour.id : `${behaviour.id}/${behaviour.part}`
}

function hasFault({ faults }: Harness, name: FaultName): boolean {
  return (
    (faults as { readonly [control: string]: unknown })[name] !== undefined ||
    faults.link?.kinds.includes(name as never) === true
  )
}
