export { adapter } from './memory-adapter.ts'
export { createMemoryBroker, type MemoryBroker, type MemoryDepth, type MemoryLaneAddress } from './memory-broker.ts'
export {
  memoryCapabilities,
  memoryProfiles,
  type CapabilityChanges,
  type MemoryProfile,
} from './memory-capabilities.ts'
export { memoryDelivery, type MemoryRecord } from './memory-delivery.ts'
export { memory } from './memory-driver.ts'
export { MemoryBrokerError } from './memory-errors.ts'
export type { ConnectionMatch, CrashOptions, CrashPoint, FailSends, MemoryFaults } from './memory-faults.ts'
export type { MemoryOptions } from './memory-options.ts'
