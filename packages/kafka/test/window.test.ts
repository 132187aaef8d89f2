import type { Delivery, Settlement, WireMessage } from '@waybill/core/driver'
import { describe, expect, it } from 'vitest'
import type { KafkaRecord } from '../src/kafka-client.ts'
import { PartitionIntake } from '../src/kafka-partition.ts'
import { DeliveryWindow } from '../src/kafka-window.ts'
import { fetched } from './fetched.ts'

const bytesOf = (record: KafkaRecord) => ({ body: record.value ?? undefined }) as WireMessage
const records = (count: number, bytes = 1): KafkaRecord[] =>
  Array.from({ length: count }, (_, index) => fetched({ offset: String(index), value: Buffer.alloc(bytes) }))

function bench(options: { maxInFlight?: number; maxInFlightBytes?: number; partitions?: number; skips?: string } = {}) {
  const { maxInFlight = 10, maxInFlightBytes = Infinity, partitions = 1, skips } = options
  const deliveries: Delivery[] = []
  const open: ((settlement: Settlement) => void)[] = []
  const unknown: string[] = []
  const window = new DeliveryWindow({
    maxInFlight,
    maxInFlightBytes,
    read: (record) => (record.offset === skips ? undefined : bytesOf(record)),
    onDelivery(delivery) {
      deliveries.push(delivery)
      return new Promise((resolve) => open.push(resolve))
    },
    onUnknown: (_, { kind }) => unknown.push(kind),
  })
  const all = Array.from({ length: partitions }, (_, partition) => {
    return new PartitionIntake({ topic: 'orders', partition, offset: 0n }, () => {})
  })
  for (const each of all) window.add(each)
  const settle = async (settlement: Settlement = { kind: 'accept' }) => {
    open.shift()?.(settlement)
    await new Promise((resolve) => setImmediate(resolve))
  }
  return { window, all, deliveries, settle, unknown }
}

describe('the window', () => {
  it('is over all partitions, which take turns', async () => {
    const { window, all, deliveries, settle } = bench({ maxInFlight: 3, partitions: 2 })
    for (const each of all) void each.receive(records(5))
    window.handOn()
    expect(deliveries.map(({ position }) => position)).toEqual(['orders/1@0', 'orders/0@0', 'orders/1@1'])
    await settle()
    expect(deliveries.length).toBe(4)
    expect(deliveries[3]?.position).toBe('orders/0@1')
  })

  it('has no more bytes than it may, or one message', async () => {
    const { window, all, deliveries, settle } = bench({ maxInFlightBytes: 100 })
    void all[0]!.receive([...records(5, 40), ...records(2, 1_000)])
    window.handOn()
    expect(deliveries.length).toBe(3)
    for (let left = 5; left > 0; left--) await settle()
    expect(deliveries.length).toBe(6)
    await settle()
    expect(deliveries.length).toBe(7)
  })

  it('passes over what is for others, and commits past it', async () => {
    const { window, all, deliveries, settle } = bench({ skips: '0' })
    void all[0]!.receive(records(2))
    window.handOn()
    expect(deliveries.map(({ position }) => position)).toEqual(['orders/0@1'])
    await settle()
    expect(all[0]!.uncommitted?.offset).toBe(2n)
  })

  it('stops a partition that has something given back, and says what Kafka cannot do', async () => {
    const { window, all, deliveries, settle, unknown } = bench({ maxInFlight: 1, partitions: 2 })
    for (const each of all) void each.receive(records(3))
    window.handOn()
    await settle({ kind: 'retry', delayMs: 1 })
    expect(unknown).toEqual(['retry'])
    for (let left = 5; left > 0; left--) await settle()
    expect(deliveries.map(({ position }) => position)).toEqual(['orders/1@0', 'orders/0@0', 'orders/0@1', 'orders/0@2'])
  })
})
