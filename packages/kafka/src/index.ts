export { adapter } from './kafka-adapter.ts'
export { kafkaDelivery, type KafkaDelivery } from './kafka-delivery.ts'
export { kafka } from './kafka-driver.ts'
export type { KafkaOptions, KafkaTlsOptions, SaslMechanism } from './kafka-options.ts'
