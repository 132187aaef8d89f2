/** What must hold at every moment of every simulation. */
export const invariants = {
  'confirmed-delivered': 'confirmed implies delivered to every group or dead-lettered',
  'confirmed-stored': 'a send resolves only after the broker confirmed it',
  'answered-in-time': 'a send is answered by its deadline, and not rejected before',
  'settled-after-outcome': 'no delivery is settled before its outcome',
  'one-per-key': 'at most one message of a key is in flight',
  'key-order': 'messages of a key are handled in the order sent',
  attempts: 'attempts count the runs, and grow by one',
  'delay-floor': 'a retry does not come before its delay',
  'one-effect': 'no effect happens twice with an idempotency store',
  'failure-record': 'a dead letter is whole and carries a whole failure record',
  'dead-lettered-for-cause': 'nothing is dead-lettered but what failed for good',
  'nothing-after-close': 'nothing is delivered, held or pending after close',
  'close-in-time': 'close returns by its deadline',
  bounded: 'runs, batches and timers stay within their bounds',
  'lease-signal': 'a handler is told when its lease is lost',
  liveness: 'everything ends once the faults stop',
  'no-crash': 'no exception or rejection is left unhandled',
} as const

export type Invariant = keyof typeof invariants

export interface Violation {
  readonly invariant: Invariant
  readonly atMs: number
  readonly detail: string
}
