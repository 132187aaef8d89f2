import type { Admin } from 'kafkajs'
import type {
  GroupMember,
  KafkaAdmin,
  NewTopic,
  PartitionOffset,
  TopicDescription,
  TopicSettings,
} from './kafka-client.ts'
import { isUnanswered, protocolErrorOf, unwrapped } from './kafka-errors.ts'
import { clusterOf, verdictOf, type KafkajsCluster } from './kafkajs-cluster.ts'
import type { ConsumerSite } from './kafkajs-consumer.ts'
import { KafkajsGroup } from './kafkajs-group.ts'

export interface KafkajsAdminOptions extends ConsumerSite {
  /** How long to wait for leaders and coordinators that are being found. */
  readonly patienceMs: number
}

/** Whether an error of the try of that number may be gone with the next one. */
type MayPass = (error: unknown, tries: number) => boolean

/** What `ConfigResourceTypes` calls a topic. */
const topicResource = 2
const laterMs = 50
const newMs = 5_000
/** What passes does so in the time of a few round trips, as a rule. */
const triesAtOnce = 10

/**
 * Each piece of work has connections of its own, gone with it: one that has seen a topic asks for it whenever it looks
 * at the cluster anew, and fails in all it does once that topic is deleted.
 */
export class KafkajsAdmin implements KafkaAdmin {
  readonly #options: KafkajsAdminOptions
  /** Topics that were made here, and until when they may not be known everywhere. */
  readonly #new = new Map<string, number>()

  constructor(options: KafkajsAdminOptions) {
    this.#options = options
  }

  listTopics(): Promise<readonly string[]> {
    return this.#withAdmin((admin) => admin.listTopics())
  }

  async describeTopics(names: readonly string[]): Promise<ReadonlyMap<string, TopicDescription>> {
    return await this.#withAdmin(
      async (admin) => {
        const existing = new Set(await admin.listTopics())
        const topics = names.filter((name) => existing.has(name) || this.#isNew(name))
        if (topics.length === 0) return new Map()
        const metadata = await admin.fetchTopicMetadata({ topics })
        return new Map(metadata.topics.map(({ name, partitions }) => [name, { name, partitions: partitions.length }]))
      },
      // One that was deleted since it was listed: it is listed no more.
      isUnknownTopic,
    )
  }

  async createTopics(topics: readonly NewTopic[]): Promise<readonly string[]> {
    const names = topics.map(({ name }) => name)
    const request = topics.map(({ name, partitions, replicationFactor, settings }) => ({
      topic: name,
      numPartitions: partitions,
      replicationFactor,
      configEntries: Object.entries(settings).map(([setting, value]) => ({ name: setting, value })),
    }))
    const existing = await this.#withAdmin((admin) =>
      admin.createTopics({ topics: request, waitForLeaders: false }).then(
        (isMade) => (isMade ? [] : names),
        (error: unknown) => existingAmong(error),
      ),
    )
    for (const name of names) this.#new.set(name, this.#options.clock.monotonic() + newMs)
    await this.#withAdmin((admin) => admin.fetchTopicMetadata({ topics: names }), isUnknownTopic)
    return names.filter((name) => !existing.includes(name))
  }

  async deleteTopics(topics: readonly string[]): Promise<void> {
    await this.#withAdmin((admin) => admin.deleteTopics({ topics: [...topics] }))
  }

  async topicSettings(
    topics: readonly string[],
    names: readonly string[],
  ): Promise<ReadonlyMap<string, TopicSettings>> {
    if (topics.length === 0) return new Map()
    const resources = topics.map((name) => ({ type: topicResource, name, configNames: [...names] }))
    const found = await this.#withAdmin((admin) =>
      admin.describeConfigs({ resources, includeSynonyms: false }).catch(unlessForbidden),
    )
    return new Map(
      found.resources.map(({ resourceName, configEntries }) => [
        resourceName,
        Object.fromEntries(configEntries.map(({ configName, configValue }) => [configName, configValue])),
      ]),
    )
  }

  async offsetsAt(topics: readonly string[], at: 'oldest' | 'new' | number): Promise<readonly PartitionOffset[]> {
    return await this.#withAdmin(async (admin) => {
      const found: PartitionOffset[] = []
      for (const topic of topics) {
        const seeks =
          typeof at === 'number'
            ? await admin.fetchTopicOffsetsByTimestamp(topic, at)
            : (await admin.fetchTopicOffsets(topic)).map(({ partition, high, low }) => {
                return { partition, offset: at === 'new' ? high : low }
              })
        for (const { partition, offset } of seeks) found.push({ topic, partition, offset: BigInt(offset) })
      }
      return found
    }, this.#isToCome(topics))
  }

  async committedOffsets(group: string, topics: readonly string[]): Promise<readonly PartitionOffset[]> {
    return await this.#withCluster(topics, async (cluster) => {
      const partitions = topics.flatMap((topic) =>
        cluster.findTopicPartitionMetadata(topic).map(({ partitionId }) => ({ topic, partition: partitionId })),
      )
      return new KafkajsGroup(cluster, group).committed(partitions)
    })
  }

  async commitOffsets(group: string, offsets: readonly PartitionOffset[]): Promise<void> {
    const topics = new Set(offsets.map(({ topic }) => topic))
    await this.#withCluster([...topics], (cluster) => new KafkajsGroup(cluster, group).commit(nobody, offsets))
  }

  async removeMembers(members: readonly GroupMember[]): Promise<void> {
    if (members.length === 0) return
    await this.#withCluster([], async (cluster) => {
      await cluster.refreshMetadata()
      for (const { group, memberId } of members) {
        await new KafkajsGroup(cluster, group).leave(memberId).catch(unlessGone)
      }
    })
  }

  async deleteGroups(groups: readonly string[]): Promise<void> {
    await this.#withAdmin((admin) => admin.deleteGroups([...groups])).catch(unlessNoHarm)
  }

  /** `mayPass`: what else than the usual may be otherwise a moment later. */
  #withAdmin<T>(work: (admin: Admin) => Promise<T>, mayPass: MayPass = never): Promise<T> {
    return this.#patiently(mayPass, async () => {
      const { kafka, destroy } = this.#options.newKafka()
      try {
        const admin = kafka.admin()
        await admin.connect()
        return await work(admin)
      } finally {
        destroy()
      }
    })
  }

  #withCluster<T>(topics: readonly string[], work: (cluster: KafkajsCluster) => Promise<T>): Promise<T> {
    return this.#patiently(this.#isToCome(topics), async () => {
      const { kafka, destroy } = this.#options.newKafka()
      try {
        const cluster = clusterOf(kafka)
        await cluster.connect()
        for (const topic of topics) await cluster.addTargetTopic(topic)
        return await work(cluster)
      } finally {
        destroy()
      }
    })
  }

  async #patiently<T>(mayPass: MayPass, work: () => Promise<T>): Promise<T> {
    const { clock, patienceMs } = this.#options
    const until = clock.monotonic() + patienceMs
    for (let tries = 1; ; tries++) {
      try {
        return await work()
      } catch (error) {
        if (!(isPassing(error) || mayPass(error, tries)) || clock.monotonic() >= until) throw unwrapped(error)
        if (tries > triesAtOnce) await new Promise<void>((resolve) => void clock.after(laterMs, resolve))
      }
    }
  }

  /** Brokers hear of a new topic one after the other, whoever made it. */
  #isToCome(topics: readonly string[]): MayPass {
    return (error, tries) =>
      isUnknownTopic(error) && (tries <= triesAtOnce || topics.some((topic) => this.#isNew(topic)))
  }

  #isNew(topic: string): boolean {
    return (this.#new.get(topic) ?? 0) > this.#options.clock.monotonic()
  }
}

function isUnknownTopic(error: unknown): boolean {
  return protocolErrorOf(error) === 'UNKNOWN_TOPIC_OR_PARTITION'
}

function never(): boolean {
  return false
}

/** Who commits for a group without members. */
const nobody = { memberId: '', generation: -1 }

/**
 * Where nobody answered, the reason may be that a new cluster is about to make its topic of offsets; the next try says. One
 * broker that is away is not the cluster: others take over what it had.
 */
function isPassing(error: unknown): boolean {
  return isUnanswered(unwrapped(error) as Error) || verdictOf(error) === 'later'
}

/** kafkajs tells all failures at once. Throws the first that says anything else than that a topic is there. */
function existingAmong(error: unknown): string[] {
  const { errors } = error as { readonly errors?: readonly { readonly type?: string; readonly topic?: string }[] }
  if (!Array.isArray(errors)) throw error
  const other = errors.find(({ type }) => type !== 'TOPIC_ALREADY_EXISTS')
  if (other !== undefined) throw other
  return errors.map(({ topic }) => topic as string)
}

function unlessGone(error: unknown): void {
  if (protocolErrorOf(error) !== 'UNKNOWN_MEMBER_ID') throw error
}

/** Who may use a topic need not be allowed to look at its settings. */
function unlessForbidden(error: unknown): { readonly resources: readonly never[] } {
  if (!/AUTHORIZATION_FAILED$/.test(protocolErrorOf(error) ?? '')) throw error
  return { resources: [] }
}

/** GROUP_ID_NOT_FOUND and NON_EMPTY_GROUP. kafkajs tells them in a list of its own. */
const noHarm = new Set([69, 68])

function unlessNoHarm(error: unknown): void {
  const { groups } = unwrapped(error) as { readonly groups?: readonly { readonly errorCode: number }[] }
  if (groups === undefined || groups.some(({ errorCode }) => !noHarm.has(errorCode))) throw error
}
