import type { Harness } from '@waybill/conformance'
import { memory } from '../src/index.ts'
import { sharedBroker } from '../src/memory-broker.ts'
import { memoryFaults, memoryProbe, type MemoryLink } from './memory-probe.ts'

/** The embedded broker under the kit. */
export function harness(): Harness {
  const name = 'conformance'
  const broker = sharedBroker(name)
  return {
    adapter: 'memory',
    profile: 'memory',
    broker: 'embedded memory broker',
    standIn: false,
    reports: new URL('../conformance/', import.meta.url),
    url: `memory:${name}`,
    timings: { arriveMs: 2_000, toleranceMs: 250, quietMs: 100, leaseMs: 250, heartbeatMs: 250, recoverMs: 3_000 },
    probe: memoryProbe(broker),
    faults: memoryFaults(broker),
    createDriver({ link, options } = {}) {
      const driver = memory({ name, ...options })
      ;(link as MemoryLink | undefined)?.add(driver)
      return driver
    },
    async sweep(fragment) {
      for (const entity of broker.entities())
        if (entity.includes(fragment)) broker.remove(entity.split('/', 1)[0] ?? '')
    },
  }
}
