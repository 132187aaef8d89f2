import fc from 'fast-check'
import kafkajs from 'kafkajs'
import { describe, expect, it } from 'vitest'
import { murmur2, partitionOf } from '../src/kafka-partitioner.ts'

const theirs = kafkajs.Partitioners.DefaultPartitioner()

describe('the partition of a key', () => {
  /** From `org.apache.kafka.common.utils.UtilsTest`. */
  it.each<[string, number]>([
    ['21', -973932308],
    ['foobar', -790332482],
    ['a-little-bit-long-string', -985981536],
    ['a-little-bit-longer-string', -1486304829],
    ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
    ['abc', 479470107],
  ])('of %j has the hash that Kafka has', (key, hash) => {
    expect(murmur2(Buffer.from(key))).toBe(hash)
  })

  it('is the one that kafkajs chooses', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), fc.integer({ min: 1, max: 300 }), (bytes, partitions) => {
        const key = Buffer.from(bytes)
        const partitionMetadata = Array.from({ length: partitions }, (_, partitionId) => {
          return { partitionErrorCode: 0, partitionId, leader: 1, replicas: [], isr: [] }
        })
        const message = { key, value: null }
        expect(partitionOf(key, partitions)).toBe(theirs({ topic: 't', partitionMetadata, message }))
      }),
      { numRuns: 2_000 },
    )
  })
})
