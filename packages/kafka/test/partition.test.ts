import { describe, expect, it } from 'vitest'
import type { KafkaRecord } from '../src/kafka-client.ts'
import { PartitionIntake } from '../src/kafka-partition.ts'
import { fetched } from './fetched.ts'

const records = (from: number, count: number): KafkaRecord[] =>
  Array.from({ length: count }, (_, index) => fetched({ offset: String(from + index) }))
const intake = (offset = 0n) => {
  let settled = 0
  const partition = new PartitionIntake({ topic: 'orders', partition: 1, offset }, () => settled++)
  return { partition, settled: () => settled }
}
const isResolved = async (promise: Promise<unknown>): Promise<boolean> =>
  Promise.race([promise.then(() => true), new Promise<false>((resolve) => setTimeout(resolve, 5, false))])

describe('a partition', () => {
  it('asks for more when half is delivered', async () => {
    const { partition } = intake()
    const taken = partition.receive(records(0, 4))
    partition.take()
    expect(await isResolved(taken)).toBe(false)
    partition.take()
    expect(await isResolved(taken)).toBe(true)
    void partition.receive(records(4, 2))
    const left: string[] = []
    while (partition.hasRecord) left.push(partition.take().offset)
    expect(left).toEqual(['2', '3', '4', '5'])
    expect(partition.next).toBe(6n)
  })

  it('says where it began, once, when nobody of the group ever had it', () => {
    const { partition } = intake(7n)
    expect(partition.uncommitted).toBe(undefined)
    partition.claim()
    const begin = { topic: 'orders', partition: 1, offset: 7n }
    expect(partition.uncommitted).toEqual(begin)
    partition.committed(begin)
    expect(partition.uncommitted).toBe(undefined)
    void partition.receive(records(7, 1))
    partition.accept(partition.begin(partition.take()))
    expect(partition.uncommitted).toEqual({ ...begin, offset: 8n })
  })

  it('commits the unbroken run of what was settled, and nothing twice', () => {
    const { partition, settled } = intake()
    void partition.receive(records(0, 3))
    const slots = [0, 1, 2].map(() => partition.begin(partition.take()))
    partition.accept(slots[1]!)
    partition.accept(slots[2]!)
    expect(partition.uncommitted).toBe(undefined)
    partition.accept(slots[0]!)
    expect(settled()).toBe(1)
    expect(partition.uncommitted).toEqual({ topic: 'orders', partition: 1, offset: 3n })
    partition.committed(partition.uncommitted!)
    expect(partition.uncommitted).toBe(undefined)
  })

  it('delivers and commits nothing behind what was released', () => {
    const { partition } = intake()
    void partition.receive(records(0, 5))
    const slots = [0, 1, 2].map(() => partition.begin(partition.take()))
    partition.accept(slots[0]!)
    partition.release(slots[1]!)
    partition.accept(slots[2]!)
    expect(partition.hasRecord).toBe(false)
    expect(partition.uncommitted?.offset).toBe(1n)
  })

  it('that is lost commits nothing, delivers nothing and keeps nobody waiting', async () => {
    const { partition } = intake()
    void partition.receive(records(0, 2))
    const slot = partition.begin(partition.take())
    partition.open++
    const idle = partition.idle()
    partition.lose()
    await idle
    partition.accept(slot)
    expect(partition.uncommitted).toBe(undefined)
    expect(partition.hasRecord).toBe(false)
    expect(partition.lease.state).toBe('lost')
    expect(await isResolved(partition.receive(records(2, 1)))).toBe(false)
  })

  it('goes past what is not to be seen, once all before it is settled', () => {
    const { partition } = intake()
    void partition.receive(records(0, 2))
    partition.pass(7n)
    const slots = [0, 1].map(() => partition.begin(partition.take()))
    expect(partition.next).toBe(7n)
    partition.accept(slots[1]!)
    expect(partition.uncommitted).toBe(undefined)
    partition.accept(slots[0]!)
    expect(partition.uncommitted?.offset).toBe(7n)
    partition.pass(9n)
    expect(partition.uncommitted?.offset).toBe(9n)
    partition.stop()
    partition.pass(12n)
    expect(partition.next).toBe(9n)
  })

  it('runs no further ahead of what is not settled than it may', async () => {
    const { partition } = intake()
    const first = partition.receive(records(0, 100_002))
    const slot = partition.begin(partition.take())
    while (partition.hasRecord) partition.accept(partition.begin(partition.take()))
    expect(await isResolved(first)).toBe(true)
    const second = partition.receive(records(100_002, 2))
    while (partition.hasRecord) partition.accept(partition.begin(partition.take()))
    expect(await isResolved(second)).toBe(false)
    partition.accept(slot)
    expect(await isResolved(second)).toBe(true)
  })
})
