import { nativeOf } from '@waybill/core/driver'
import type { KafkaRecord, TopicPartition } from './kafka-client.ts'

/** A record and where it stood. Read it; settling is the library's. */
export interface KafkaDelivery extends TopicPartition {
  readonly record: KafkaRecord
}

/** The Kafka record behind a message of `consume`; `undefined` when another broker delivered it. */
export function kafkaDelivery(message: object): KafkaDelivery | undefined {
  const native = nativeOf(message) as Partial<KafkaDelivery> | undefined
  return typeof native?.topic === 'string' && typeof native.record?.offset === 'string'
    ? (native as KafkaDelivery)
    : undefined
}
