import type { Capabilities, Driver } from '@waybill/core/driver'
import type { Faults } from '../src/faults.ts'
import type { Harness } from '../src/harness.ts'

/** A harness whose broker is not there: for what the kit does by itself. */
export function stubHarness({
  faults = {},
  order = 'none',
}: {
  faults?: Faults
  order?: Capabilities['order']
} = {}): Harness {
  const absent = (): never => {
    throw new Error('there is no broker')
  }
  const driver = { specVersion: 1, system: 'stub', capabilities: { order } } as unknown as Driver
  return {
    adapter: 'stub',
    profile: 'stub-1',
    broker: 'Stub 1',
    standIn: true,
    url: 'stub:',
    timings: { arriveMs: 200, toleranceMs: 50, quietMs: 20, leaseMs: 50, heartbeatMs: 50, recoverMs: 200 },
    probe: {
      inject: absent,
      extract: absent,
      readDeadLetters: absent,
      depth: absent,
      unsettled: absent,
      entities: absent,
      connections: absent,
    },
    faults,
    createDriver: () => driver,
    sweep: async () => {},
  }
}
