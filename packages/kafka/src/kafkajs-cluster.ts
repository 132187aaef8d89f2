import type { Kafka } from 'kafkajs'
import { withCauses } from './kafka-errors.ts'

/**
 * kafkajs's connections to the brokers of a cluster, and the requests they can make: what its own consumer is built on.
 *
 * That consumer itself cannot be used: it gives partitions up before anybody can finish what runs, begins anew after
 * errors without a word, and fetches nothing while one partition is busy.
 */
export interface KafkajsCluster {
  connect(): Promise<void>
  refreshMetadata(): Promise<void>
  addTargetTopic(topic: string): Promise<void>
  findTopicPartitionMetadata(topic: string): readonly { readonly partitionId: number; readonly leader: number }[]
  findBroker(node: { readonly nodeId: string }): Promise<KafkajsBroker>
  findGroupCoordinator(group: { readonly groupId: string }): Promise<KafkajsBroker>
  fetchTopicsOffset(topics: readonly object[]): Promise<readonly KafkajsOffsets[]>
}

export interface KafkajsOffsets {
  readonly topic: string
  readonly partitions: readonly {
    readonly partition: number
    readonly offset: string
    readonly metadata?: string | null
  }[]
}

export interface KafkajsBroker {
  joinGroup(request: object): Promise<{
    readonly memberId: string
    readonly leaderId: string
    readonly generationId: number
    readonly members: readonly { readonly memberId: string; readonly memberMetadata: Buffer }[]
  }>
  syncGroup(request: object): Promise<{ readonly memberAssignment: Buffer }>
  heartbeat(request: object): Promise<unknown>
  leaveGroup(request: object): Promise<unknown>
  offsetCommit(request: object): Promise<unknown>
  offsetFetch(request: object): Promise<{ readonly responses: readonly KafkajsOffsets[] }>
}

/** A cluster of its own, by the way in which kafkajs hands one to who assigns partitions. */
export function clusterOf(kafka: Kafka): KafkajsCluster {
  let handed: unknown
  kafka.consumer({
    groupId: 'none',
    allowAutoTopicCreation: false,
    partitionAssigners: [
      ({ cluster }) => {
        handed = cluster
        return {
          name: 'none',
          version: 0,
          assign: async () => [],
          protocol: () => ({ name: 'none', metadata: nothing }),
        }
      },
    ],
  })
  return handed as KafkajsCluster
}

const nothing = Buffer.alloc(0)

/** What an error means to who reads or belongs to a group. */
export type Verdict =
  /** Members are to join anew. */
  | 'rebalancing'
  /** The group goes on without this member. */
  | 'fenced'
  /** A leader or coordinator is being found, or a broker is away: ask again a little later. */
  | 'later'
  /** The position is not in the log. */
  | 'outOfRange'
  | 'failed'

/** By Kafka's numbers: https://kafka.apache.org/protocol#protocol_error_codes */
const verdicts: { readonly [code: string | number]: Verdict } = {
  1: 'outOfRange',
  5: 'later',
  6: 'later',
  9: 'later',
  14: 'later',
  15: 'later',
  16: 'later',
  41: 'later',
  74: 'later',
  75: 'later',
  22: 'fenced',
  25: 'fenced',
  27: 'rebalancing',
}

/** Also of a broker that stops, which closes its connections in order: others take over what it had. */
const away = new Set(['KafkaJSBrokerNotFound', 'KafkaJSGroupCoordinatorNotFound', 'KafkaJSConnectionClosedError'])
const nobodyThere = new Set<string | number>(['ECONNREFUSED', 'ECONNRESET', 'EPIPE'])

/** kafkajs wraps what it has tried in vain. */
export function verdictOf(error: unknown): Verdict {
  const { code, name } = innermost(error)
  return away.has(name) || nobodyThere.has(code) ? 'later' : (verdicts[code] ?? 'failed')
}

/** There is no such topic, or the broker that was asked has not heard of it yet. */
export function isUnknownTopic(error: unknown): boolean {
  return innermost(error).code === unknownTopic
}

const unknownTopic = 3

function innermost(error: unknown): { readonly code: string | number; readonly name: string } {
  let code: string | number = -1
  let name = ''
  for (const each of withCauses(error) as Iterable<{ readonly code?: unknown; readonly name?: unknown }>) {
    if (typeof each.code === 'number' || typeof each.code === 'string') code = each.code
    name = String(each.name)
  }
  return { code, name }
}
