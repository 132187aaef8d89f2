import { bufferOf } from '@waybill/core/driver'
import kafkajs from 'kafkajs'
import type { Assignment, MemberClaim } from './kafka-assignment.ts'
import type { PartitionOffset, TopicPartition } from './kafka-client.ts'
import type { KafkajsBroker, KafkajsCluster } from './kafkajs-cluster.ts'

export interface GroupTimes {
  readonly sessionTimeoutMs: number
  readonly rebalanceTimeoutMs: number
}

/** A member in one generation of its group; who is none commits for a group without members. */
export interface Membership {
  readonly memberId: string
  readonly generation: number
}

export const noMember: Membership = { memberId: '', generation: -1 }

export interface Joined extends Membership {
  /** Of all members, for the leader, who is to assign; empty for others. */
  readonly claims: readonly MemberClaim[]
  readonly isLeader: boolean
}

/** Members that name another one cannot be in a group together. */
const protocolName = 'waybill-cooperative'
const metadataVersion = 0

/**
 * Requests about one group to its coordinator. Joining blocks a connection until all members have joined, so members do
 * it over connections of its own.
 */
export class KafkajsGroup {
  readonly #cluster: KafkajsCluster
  readonly #joining: KafkajsCluster
  readonly #groupId: string
  #coordinator: KafkajsBroker | undefined
  #joinedAt: KafkajsBroker | undefined

  constructor(cluster: KafkajsCluster, groupId: string, joining = cluster) {
    this.#cluster = cluster
    this.#joining = joining
    this.#groupId = groupId
  }

  /** The coordinator may have moved. */
  forgetCoordinator(): void {
    this.#coordinator = undefined
    this.#joinedAt = undefined
  }

  async join({ memberId, topics, userData }: MemberClaim, times: GroupTimes): Promise<Joined> {
    const coordinator = await this.#toJoin()
    const metadata = MemberMetadata.encode({
      version: metadataVersion,
      topics: [...topics],
      userData: bufferOf(userData),
    })
    const joined = await coordinator.joinGroup({
      groupId: this.#groupId,
      memberId,
      sessionTimeout: times.sessionTimeoutMs,
      rebalanceTimeout: times.rebalanceTimeoutMs,
      groupProtocols: [{ name: protocolName, metadata }],
    })
    return {
      memberId: joined.memberId,
      generation: joined.generationId,
      isLeader: joined.leaderId === joined.memberId,
      claims: joined.members.map(claimOf),
    }
  }

  async sync(
    { memberId, generation }: Membership,
    assignments: ReadonlyMap<string, Assignment>,
  ): Promise<readonly TopicPartition[]> {
    const coordinator = await this.#toJoin()
    const { memberAssignment } = await coordinator.syncGroup({
      groupId: this.#groupId,
      generationId: generation,
      memberId,
      groupAssignment: Array.from(assignments, ([id, assignment]) => ({
        memberId: id,
        memberAssignment: MemberAssignment.encode({
          version: metadataVersion,
          assignment: assignment as { [topic: string]: number[] },
          userData: Buffer.alloc(0),
        }),
      })),
    })
    const assignment: Assignment = MemberAssignment.decode(memberAssignment)?.assignment ?? {}
    return Object.entries(assignment).flatMap(([topic, partitions]) =>
      partitions.map((partition) => ({ topic, partition })),
    )
  }

  async heartbeat({ memberId, generation }: Membership): Promise<void> {
    const coordinator = await this.#found()
    await coordinator.heartbeat({ groupId: this.#groupId, groupGenerationId: generation, memberId })
  }

  async leave(memberId: string): Promise<void> {
    const coordinator = await this.#found()
    await coordinator.leaveGroup({ groupId: this.#groupId, memberId })
  }

  async commit({ memberId, generation }: Membership, offsets: readonly PartitionOffset[]): Promise<void> {
    const coordinator = await this.#found()
    const partitionsOf = (topic: string) =>
      offsets
        .filter((each) => each.topic === topic)
        .map(({ partition, offset, metadata = '' }) => ({ partition, offset: offset.toString(), metadata }))
    await coordinator.offsetCommit({
      groupId: this.#groupId,
      groupGenerationId: generation,
      memberId,
      topics: topicsIn(offsets).map((topic) => ({ topic, partitions: partitionsOf(topic) })),
    })
  }

  /** Without those never committed. */
  async committed(partitions: readonly TopicPartition[]): Promise<readonly PartitionOffset[]> {
    if (partitions.length === 0) return []
    const coordinator = await this.#found()
    const numbersOf = (topic: string) =>
      partitions.filter((each) => each.topic === topic).map(({ partition }) => ({ partition }))
    const { responses } = await coordinator.offsetFetch({
      groupId: this.#groupId,
      topics: topicsIn(partitions).map((topic) => ({ topic, partitions: numbersOf(topic) })),
    })
    return responses.flatMap(({ topic, partitions: found }) =>
      found
        .filter(({ offset }) => BigInt(offset) >= 0n)
        .map(({ partition, offset, metadata }) => ({
          topic,
          partition,
          offset: BigInt(offset),
          metadata: metadata ?? '',
        })),
    )
  }

  async #found(): Promise<KafkajsBroker> {
    this.#coordinator ??= await this.#cluster.findGroupCoordinator({ groupId: this.#groupId })
    return this.#coordinator
  }

  async #toJoin(): Promise<KafkajsBroker> {
    this.#joinedAt ??= await this.#joining.findGroupCoordinator({ groupId: this.#groupId })
    return this.#joinedAt
  }
}

const { MemberMetadata, MemberAssignment } = kafkajs.AssignerProtocol

function claimOf({ memberId, memberMetadata }: { memberId: string; memberMetadata: Buffer }): MemberClaim {
  const { topics = [], userData = Buffer.alloc(0) } = MemberMetadata.decode(memberMetadata) ?? {}
  return { memberId, topics, userData }
}

function topicsIn(partitions: readonly TopicPartition[]): string[] {
  return [...new Set(partitions.map(({ topic }) => topic))]
}
