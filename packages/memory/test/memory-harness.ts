import type { Harness } from '@waybill/conformance'
import type { CapabilityChanges, MemoryProfile } from '../src/index.ts'
import { memory } from '../src/index.ts'
import { sharedBroker } from '../src/memory-broker.ts'
import { memoryFaults, memoryProbe, type MemoryLink } from './memory-probe.ts'

/**
 * The embedded broker under the kit, as it is or as it imitates a kind of broker: each way in which the core retries,
 * settles and dead-letters is run this way. What a profile cannot do has to be refused.
 *
 * `capabilities` changes single ones on top of the profile. The profiles run side by side, so that patience is longer
 * than one broker in one process needs; an upper bound costs nothing as long as it holds.
 */
export function harness(profile: MemoryProfile = 'copies', capabilities: CapabilityChanges = {}): Harness {
  const name = `conformance-${profile}`
  const broker = sharedBroker(name)
  const isDefault = profile === 'copies'
  return {
    adapter: 'memory',
    profile: isDefault ? 'memory' : profile,
    broker: isDefault ? 'embedded memory broker' : `embedded memory broker, profile ${profile}`,
    standIn: false,
    reduced: !isDefault,
    reports: new URL(isDefault ? '../conformance/' : '../conformance/profiles/', import.meta.url),
    url: isDefault ? `memory:${name}` : `memory:${name}?profile=${profile}`,
    timings: { arriveMs: 2_000, toleranceMs: 600, quietMs: 100, leaseMs: 250, heartbeatMs: 250, recoverMs: 3_000 },
    probe: memoryProbe(broker),
    faults: memoryFaults(broker),
    createDriver({ link, options = {} } = {}) {
      const changes = { ...capabilities, ...(options['capabilities'] as CapabilityChanges | undefined) }
      const driver = memory({ name, profile, ...options, capabilities: changes })
      ;(link as MemoryLink | undefined)?.add(driver)
      return driver
    },
    async sweep(fragment) {
      for (const entity of broker.entities())
        if (entity.includes(fragment)) broker.remove(entity.split('/', 1)[0] ?? '')
    },
  }
}
