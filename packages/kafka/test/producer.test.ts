import type { Kafka, RecordMetadata } from 'kafkajs'
import { describe, expect, it } from 'vitest'
import { classify } from '../src/kafka-errors.ts'
import { KafkajsProducer } from '../src/kafkajs-producer.ts'

const topic = 'orders'
const records = [0, 1, 1].map((partition) => ({ partition, key: null, value: Buffer.from('x'), headers: {} }))

/** A producer of kafkajs that says it has answers for these partitions. */
function answering(partitions: readonly number[]): Promise<KafkajsProducer> {
  const send = async (): Promise<RecordMetadata[]> =>
    partitions.map((partition) => ({ topicName: topic, partition, errorCode: 0 }))
  const kafka = { producer: () => ({ connect: async () => {}, send }) } as unknown as Kafka
  return KafkajsProducer.open({ kafka, destroy: () => {} }, 1_000)
}

describe('records of which kafkajs says that they were sent', () => {
  it('were, where a broker has answered for the partition of each', async () => {
    await (await answering([1, 0])).send(topic, records)
  })

  it('may not have been, where one has not', async () => {
    const sent = (await answering([0])).send(topic, records)
    const error = await sent.catch((thrown: unknown) => thrown)
    expect(classify(error)).toBe('unavailable')
    expect(String(error)).toContain('no broker has answered for some partitions of topic "orders"')
  })
})
