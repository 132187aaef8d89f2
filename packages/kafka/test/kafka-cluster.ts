import { sleep } from '@waybill/conformance'
import kafkajs, { type Admin, Kafka, logLevel } from 'kafkajs'

/** kafkajs alone, as anybody would use it, at the URL of the kit. */
export function kafkaAt(url: string, clientId = 'waybill-probe'): Kafka {
  const brokers = new URL(url.replace(/^kafkas?:/, 'http:')).host.split(',')
  return new Kafka({ clientId, brokers, logLevel: logLevel.NOTHING, retry: { initialRetryTime: 50, retries: 8 } })
}

/** Who the drivers are, so that something can be forbidden to them. */
export const login = { user: 'conformance', password: 'known-to-nobody' } as const

/** Whether a harness before has made this user already, which takes three starts of Java. */
export async function isAllowed(admin: Admin, user: string): Promise<boolean> {
  const { resources } = await admin.describeAcls({
    resourceType: AclResourceTypes.ANY,
    resourcePatternType: ResourcePatternTypes.ANY,
    principal: `User:${user}`,
    operation: AclOperationTypes.ANY,
    permissionType: AclPermissionTypes.ALLOW,
  })
  return resources.length > 0
}

const { AclOperationTypes, AclPermissionTypes, AclResourceTypes, ResourcePatternTypes } = kafkajs

type Ends = Awaited<ReturnType<Admin['fetchTopicOffsets']>>

/** Of each partition, its first offset and its next. Waits for the leader of a new topic, which kafkajs does not here. */
export async function endsOf(admin: Admin, topic: string): Promise<Ends> {
  const until = Date.now() + leaderWithinMs
  for (;;) {
    try {
      return await admin.fetchTopicOffsets(topic)
    } catch (error) {
      const isToCome = leaderless.has((error as { type?: unknown }).type)
      if (!isToCome || Date.now() > until) throw error
      await sleep(20)
    }
  }
}

const leaderWithinMs = 10_000
const leaderless = new Set<unknown>(['NOT_LEADER_FOR_PARTITION', 'LEADER_NOT_AVAILABLE'])

/** Records of one partition, as kafkajs reads them. */
export interface RawRecord {
  readonly topic: string
  readonly partition: number
  readonly offset: string
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers?: { readonly [name: string]: unknown }
}

export interface RawPosition {
  readonly topic: string
  readonly partition: number
  readonly offset: bigint
}

interface RawBroker {
  fetch(request: object): Promise<{
    readonly responses: readonly {
      readonly topicName: string
      readonly partitions: readonly { readonly partition: number; readonly messages: readonly RawRecord[] }[]
    }[]
  }>
  offsetCommit(request: object): Promise<unknown>
  leaveGroup(request: object): Promise<unknown>
}

interface RawCluster {
  connect(): Promise<void>
  disconnect(): Promise<void>
  refreshMetadata(): Promise<void>
  addTargetTopic(topic: string): Promise<void>
  findTopicPartitionMetadata(topic: string): readonly { readonly partitionId: number; readonly leader: number }[]
  findBroker(node: { readonly nodeId: string }): Promise<RawBroker>
  findGroupCoordinator(group: { readonly groupId: string }): Promise<RawBroker>
}

/** Reads and commits without joining any group, which takes seconds: over the connections of a consumer that never runs. */
export class RawLog {
  readonly #cluster: RawCluster

  private constructor(cluster: RawCluster) {
    this.#cluster = cluster
  }

  static async open(kafka: Kafka): Promise<RawLog> {
    let cluster: unknown
    kafka.consumer({
      groupId: 'probe',
      allowAutoTopicCreation: false,
      partitionAssigners: [
        (site) => {
          cluster = site.cluster
          return {
            name: 'probe',
            version: 0,
            assign: async () => [],
            protocol: () => ({ name: 'probe', metadata: Buffer.alloc(0) }),
          }
        },
      ],
    })
    const log = new RawLog(cluster as RawCluster)
    await log.#cluster.connect()
    await log.#cluster.refreshMetadata()
    return log
  }

  /** All records of a partition from `from` on and before `end`. */
  async read({ topic, partition, offset: from }: RawPosition, end: bigint): Promise<RawRecord[]> {
    await this.#cluster.addTargetTopic(topic)
    const { leader } = this.#cluster.findTopicPartitionMetadata(topic).find((each) => each.partitionId === partition)!
    const records: RawRecord[] = []
    let [position, looks] = [from, 0]
    while (position < end) {
      if (++looks > 10_000) throw new Error(`${topic}/${partition}: ${position} of ${end} records came`)
      const broker = await this.#cluster.findBroker({ nodeId: String(leader) })
      const at = [{ partition, fetchOffset: position.toString(), maxBytes: 5_000_000 }]
      const { responses } = await broker.fetch({
        maxWaitTime: 10,
        minBytes: 1,
        isolationLevel: 1,
        topics: [{ topic, partitions: at }],
      })
      const messages = responses[0]?.partitions[0]?.messages ?? []
      const fresh = messages.filter(({ offset }) => BigInt(offset) >= position)
      for (const message of fresh) if (BigInt(message.offset) < end) records.push({ ...message, topic, partition })
      const last = fresh.at(-1)
      position = last === undefined ? position + 1n : BigInt(last.offset) + 1n
    }
    return records
  }

  /** For a group that has no members. */
  async commit(groupId: string, positions: readonly RawPosition[]): Promise<void> {
    const coordinator = await this.#cluster.findGroupCoordinator({ groupId })
    const topics = [...new Set(positions.map(({ topic }) => topic))].map((topic) => ({
      topic,
      partitions: positions
        .filter((each) => each.topic === topic)
        .map(({ partition, offset }) => ({ partition, offset: offset.toString() })),
    }))
    await coordinator.offsetCommit({ groupId, groupGenerationId: -1, memberId: '', topics })
  }

  /** As an operator does to a member that he takes for dead: its group goes on without it. */
  async expel(groupId: string, memberId: string): Promise<void> {
    const coordinator = await this.#cluster.findGroupCoordinator({ groupId })
    await coordinator.leaveGroup({ groupId, memberId })
  }

  close(): Promise<void> {
    return this.#cluster.disconnect()
  }
}
