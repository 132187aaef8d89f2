import { eventually } from '@waybill/brokers'
import { Admin, ListOffsetTimestamps } from '@platformatic/kafka'
import type { KafkaCourse } from './kafka-course.ts'

const emptyDeadlineMs = 15_000
const partition = 0

/** A client of its own that looks after the topic between the rounds. */
export class KafkaAdmin {
  readonly #admin: Admin
  #end = 0n

  constructor(broker: string) {
    this.#admin = new Admin({ clientId: 'bench-admin', bootstrapBrokers: [broker] })
  }

  /** Has the group begin at the end, drops what was before, and returns how many messages that was. */
  async clear({ topic, group }: Pick<KafkaCourse, 'topic' | 'group'>): Promise<number> {
    const begin = this.#end
    const [found] = await this.#admin.listOffsets({
      topics: [{ name: topic, partitions: [{ partitionIndex: partition, timestamp: ListOffsetTimestamps.LATEST }] }],
    })
    const offset = found?.partitions[0]?.offset
    if (offset === undefined) throw new Error(`the topic ${topic} is gone`)
    this.#end = offset
    // Refused while the group has members: who leaves may be a moment on the way.
    await eventually('the group has no members', emptyDeadlineMs, async () => {
      const topics = [{ name: topic, partitionOffsets: [{ partition, offset }] }]
      await this.#admin.alterConsumerGroupOffsets({ groupId: group, topics })
      return true
    })
    await this.#admin.deleteRecords({ topics: [{ name: topic, partitions: [{ partition, offset }] }] })
    return Number(offset - begin)
  }

  /** Deletes all topics whose names begin so. */
  async remove(prefix: string): Promise<void> {
    const topics = (await this.#admin.listTopics()).filter((topic) => topic.startsWith(prefix))
    if (topics.length > 0) await this.#admin.deleteTopics({ topics })
  }

  async close(): Promise<void> {
    await this.#admin.close()
  }
}
