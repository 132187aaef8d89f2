import type { Clock, Timer } from '@waybill/core/driver'
import { assign, encodeOwnership } from './kafka-assignment.ts'
import type { TopicPartition } from './kafka-client.ts'
import { verdictOf } from './kafkajs-cluster.ts'
import { placeOf } from './kafkajs-fetcher.ts'
import { noMember, type GroupTimes, type Joined, type KafkajsGroup, type Membership } from './kafkajs-group.ts'

export interface MemberOptions {
  readonly group: KafkajsGroup
  readonly topics: readonly string[]
  readonly times: GroupTimes & { readonly heartbeatMs: number }
  readonly clock: Clock
  /** How many partitions each topic has now; asked by who assigns, then and again now and then. */
  readonly countPartitions: () => Promise<ReadonlyMap<string, number>>
  /** Owned from now on, beside what is owned already. */
  readonly onAdded: (added: readonly TopicPartition[]) => Promise<void>
  /** Others are to get these. They are given up once it resolves. */
  readonly onRemoved: (removed: readonly TopicPartition[]) => Promise<void>
  /** The group went on without this member, which owned all these. It joins anew. */
  readonly onFenced: () => void
  readonly onFailed: (error: unknown) => void
}

const laterMs = 100
/** How often who assigns looks whether topics have got more partitions. */
const lookEveryMs = 60_000
/** A coordinator that is not found for so long will not be. */
const maxLater = 150

/**
 * A member of a consumer group that gives up only what moves: it goes on with the rest while the group finds its new
 * order, and joins once more when it has handed over what others are to get.
 */
export class KafkajsMember {
  readonly #options: MemberOptions
  readonly #owned = new Map<string, TopicPartition>()
  /** What the group thinks that it owns. */
  #assigned = new Map<string, TopicPartition>()
  /** Being handed over at the moment. */
  readonly #leaving = new Set<string>()
  #membership = noMember
  /** What was assigned, while it is this member who assigns. */
  #counted: ReadonlyMap<string, number> | undefined
  #looksAt = 0
  #timer: Timer | undefined
  #joining: Promise<void> | undefined
  #joinsAgain = false
  #isOver = false

  constructor(options: MemberOptions) {
    this.#options = options
  }

  get membership(): Membership {
    return this.#membership
  }

  /** Pending while the group finds its order, with this member waiting for it. */
  get joining(): Promise<void> | undefined {
    return this.#joining
  }

  /** Resolves once it knows what it owns. */
  join(): Promise<void> {
    this.#joinsAgain = this.#joining !== undefined
    this.#joining ??= this.#join().finally(() => {
      this.#joining = undefined
      if (this.#joinsAgain && !this.#isOver) this.#joinInBackground()
    })
    return this.#joining
  }

  /** A settlement or heartbeat found that the group went on without it. */
  fenced(): void {
    if (this.#isOver) return
    this.#forget()
    this.#joinInBackground()
  }

  /** Nothing is asked or told any more. */
  end(): void {
    this.#isOver = true
    this.#timer?.cancel()
  }

  #joinInBackground(): void {
    this.join().catch((error: unknown) => this.#fail(error))
  }

  async #join(): Promise<void> {
    this.#timer?.cancel()
    for (let failures = 0; !this.#isOver; ) {
      try {
        await this.#take(await this.#ask())
        this.#beatLater()
        return
      } catch (error) {
        if (this.#isOver) return
        await this.#mayTryAgain(error, ++failures)
      }
    }
  }

  async #ask(): Promise<readonly TopicPartition[]> {
    const { group, topics, times } = this.#options
    const { memberId, generation } = this.#membership
    const owned = [...new Set(Array.from(this.#owned.values(), ({ partition }) => partition))]
    const claim = { memberId, topics, userData: encodeOwnership({ generation, owned }) }
    const joined = await group.join(claim, times)
    this.#membership = { memberId: joined.memberId, generation: joined.generation }
    return group.sync(this.#membership, await this.#assignments(joined))
  }

  async #assignments({ isLeader, claims }: Joined): Promise<ReturnType<typeof assign>> {
    this.#counted = isLeader ? await this.#count() : undefined
    return this.#counted === undefined ? new Map() : assign(claims, this.#counted)
  }

  async #count(): Promise<ReadonlyMap<string, number>> {
    this.#looksAt = this.#options.clock.monotonic() + lookEveryMs
    return this.#options.countPartitions()
  }

  /** Whether there are partitions that nobody was given. */
  async #hasGrown(): Promise<boolean> {
    const before = this.#counted
    if (before === undefined || this.#options.clock.monotonic() < this.#looksAt) return false
    return [...(await this.#count())].some(([topic, count]) => count > (before.get(topic) ?? 0))
  }

  async #take(assigned: readonly TopicPartition[]): Promise<void> {
    this.#assigned = new Map(assigned.map((each) => [placeOf(each), each]))
    const added = assigned.filter((each) => !this.#owned.has(placeOf(each)))
    const removed = [...this.#owned].filter(([place]) => !this.#assigned.has(place)).map(([, each]) => each)
    if (removed.length > 0) void this.#giveUp(removed)
    await this.#own(added)
  }

  async #own(added: readonly TopicPartition[]): Promise<void> {
    if (added.length === 0) return
    for (const each of added) this.#owned.set(placeOf(each), each)
    try {
      await this.#options.onAdded(added)
    } catch (error) {
      // Not begun, and so to be added again with the next answer.
      for (const each of added) this.#owned.delete(placeOf(each))
      throw error
    }
  }

  /** What has come back meanwhile is begun anew. */
  async #giveUp(removed: readonly TopicPartition[]): Promise<void> {
    try {
      const { memberId } = this.#membership
      const mine = removed.filter((each) => !this.#leaving.has(placeOf(each)))
      for (const each of mine) this.#leaving.add(placeOf(each))
      if (mine.length === 0) return
      await this.#options.onRemoved(mine)
      for (const each of mine) this.#leaving.delete(placeOf(each))
      if (this.#isOver || this.#membership.memberId !== memberId) return
      for (const each of mine) this.#owned.delete(placeOf(each))
      await this.#own(mine.filter((each) => this.#assigned.has(placeOf(each))))
      this.#joinInBackground()
    } catch (error) {
      this.#fail(error)
    }
  }

  #beatLater(): void {
    if (this.#isOver) return
    this.#timer?.cancel()
    this.#timer = this.#options.clock.after(this.#options.times.heartbeatMs, () => void this.#beat())
  }

  async #beat(): Promise<void> {
    if (this.#isOver || this.#joining !== undefined) return
    try {
      await this.#options.group.heartbeat(this.#membership)
      const hasGrown = await this.#hasGrown()
      if (this.#isOver || this.#joining !== undefined) return
      if (hasGrown) this.#joinInBackground()
      else this.#beatLater()
    } catch (error) {
      if (this.#isOver || this.#joining !== undefined) return
      switch (verdictOf(error)) {
        case 'rebalancing':
          return this.#joinInBackground()
        case 'fenced':
          return this.fenced()
        case 'later':
          this.#options.group.forgetCoordinator()
          return this.#beatLater()
        default:
          this.#fail(error)
      }
    }
  }

  /** Throws what will not pass. */
  async #mayTryAgain(error: unknown, failures: number): Promise<void> {
    const verdict = verdictOf(error)
    if (verdict === 'rebalancing') return
    if (verdict === 'fenced') return this.#forget()
    if (verdict !== 'later' || failures > maxLater) throw error
    this.#options.group.forgetCoordinator()
    await new Promise<void>((resolve) => this.#options.clock.after(laterMs, resolve))
  }

  #forget(): void {
    const had = this.#owned.size > 0
    this.#membership = noMember
    this.#owned.clear()
    this.#assigned.clear()
    this.#leaving.clear()
    if (had) this.#options.onFenced()
  }

  #fail(error: unknown): void {
    if (this.#isOver) return
    this.end()
    this.#options.onFailed(error)
  }
}
