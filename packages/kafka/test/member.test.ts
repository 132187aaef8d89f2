import { ManualClock } from '@waybill/core/driver'
import { describe, expect, it } from 'vitest'
import type { TopicPartition } from '../src/kafka-client.ts'
import type { KafkajsGroup } from '../src/kafkajs-group.ts'
import { KafkajsMember } from '../src/kafkajs-member.ts'

const topic = 'orders'
const settled = () => new Promise<void>((resolve) => setImmediate(resolve))
const coordinatorLoads = () => Object.assign(new Error('GROUP_LOAD_IN_PROGRESS'), { code: 14 })

/** The only member of its group, which gets all partitions there are. */
class Alone {
  readonly clock = new ManualClock()
  partitions = 1
  joins = 0
  /** What was to be begun, each time. */
  readonly added: (readonly TopicPartition[])[] = []
  /** What beginning fails with, time after time. */
  readonly failures: Error[] = []
  readonly crashes: unknown[] = []
  readonly member: KafkajsMember

  constructor() {
    const claim = { memberId: 'one', topics: [topic], userData: Buffer.alloc(0) }
    const group = {
      join: async () => ({ memberId: 'one', generation: ++this.joins, isLeader: true, claims: [claim] }),
      sync: async () => Array.from({ length: this.partitions }, (_, partition) => ({ topic, partition })),
      heartbeat: async () => {},
      forgetCoordinator: () => {},
    }
    this.member = new KafkajsMember({
      group: group as unknown as KafkajsGroup,
      topics: [topic],
      times: { sessionTimeoutMs: 30_000, rebalanceTimeoutMs: 10_000, heartbeatMs: 500 },
      clock: this.clock,
      countPartitions: async () => new Map([[topic, this.partitions]]),
      onAdded: async (added) => {
        this.added.push(added)
        const failure = this.failures.shift()
        if (failure !== undefined) throw failure
      },
      onRemoved: async () => {},
      onFenced: () => {},
      onFailed: (error) => this.crashes.push(error),
    })
  }
}

describe('a member', () => {
  it('begins what it was given once more when that failed for the moment', async () => {
    const alone = new Alone()
    alone.failures.push(coordinatorLoads())
    const joined = alone.member.join()
    await alone.clock.advanceAsync(1_000, settled)
    await joined
    expect(alone.added).toEqual([[{ topic, partition: 0 }], [{ topic, partition: 0 }]])
    alone.member.end()
  })

  it('that assigns finds partitions that were added, within a minute, and joins anew', async () => {
    const alone = new Alone()
    await alone.member.join()
    await alone.clock.advanceAsync(120_000, settled)
    expect(alone.joins).toBe(1)
    alone.partitions = 2
    await alone.clock.advanceAsync(61_000, settled)
    expect(alone.joins).toBe(2)
    expect(alone.added).toEqual([[{ topic, partition: 0 }], [{ topic, partition: 1 }]])
    expect(alone.crashes).toEqual([])
    alone.member.end()
  })
})
