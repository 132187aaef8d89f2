import type { KafkaRecord, PartitionOffset, TopicPartition } from './kafka-client.ts'
import { verdictOf, type KafkajsCluster } from './kafkajs-cluster.ts'
import { visibleRecords, type VisibleRecords } from './kafka-visible-records.ts'
import { fetchFrom } from './kafkajs-fetch.ts'

export interface FetcherOptions {
  readonly cluster: KafkajsCluster
  readonly pause: (delayMs: number) => Promise<void>
  readonly onRecords: (from: TopicPartition, records: readonly KafkaRecord[]) => Promise<void>
  readonly onPassed: (from: TopicPartition, next: bigint) => void
  readonly onFailed: (error: unknown) => void
  /** What to do when the log does not reach back to a position: go on with the oldest record there is, or fail. */
  readonly whenGone: 'oldest' | 'fail'
}

interface Place extends TopicPartition {
  position: bigint
  /** Its last records are still being taken. */
  isBusy: boolean
}

/** How long the broker waits for something to come. */
const maxWaitMs = 500
/** The same while some partitions are busy: they join in with the next fetch only. */
const shortWaitMs = 20
const maxBytes = 10_485_760
const maxBytesPerPartition = 1_048_576
const laterMs = 100
/** A leader that is not found for so long will not be. */
const maxLater = 100

/** Reads partitions, each as fast as its records are taken: one request per node at a time, for all that are not busy. */
export class Fetcher {
  readonly #options: FetcherOptions
  readonly #places = new Map<string, Place>()
  readonly #fetching = new Set<string>()
  #isOver = false

  constructor(options: FetcherOptions) {
    this.#options = options
  }

  add({ topic, partition, offset }: PartitionOffset): void {
    this.#places.set(placeOf({ topic, partition }), { topic, partition, position: offset, isBusy: false })
    this.#fetchAll()
  }

  remove(at: TopicPartition): void {
    this.#places.delete(placeOf(at))
  }

  clear(): void {
    this.#places.clear()
  }

  close(): void {
    this.#isOver = true
    this.#places.clear()
  }

  #fetchAll(): void {
    if (this.#isOver) return
    try {
      this.#begin(this.#freeByNode())
    } catch (error) {
      this.#fail(error)
    }
  }

  #begin(byNode: ReadonlyMap<string, readonly Place[]>): void {
    for (const node of byNode.keys()) if (!this.#fetching.has(node)) void this.#fetchFrom(node)
  }

  #freeByNode(): Map<string, Place[]> {
    const byNode = new Map<string, Place[]>()
    for (const place of this.#places.values()) {
      if (place.isBusy) continue
      const node = this.#leaderOf(place)
      const others = byNode.get(node)
      if (others === undefined) byNode.set(node, [place])
      else others.push(place)
    }
    return byNode
  }

  /** Without a leader known, any node tells so. */
  #leaderOf({ topic, partition }: TopicPartition): string {
    const partitions = this.#options.cluster.findTopicPartitionMetadata(topic)
    return String(partitions.find(({ partitionId }) => partitionId === partition)?.leader ?? -1)
  }

  async #fetchFrom(node: string): Promise<void> {
    this.#fetching.add(node)
    let failures = 0
    while (!this.#isOver) {
      try {
        const byNode = this.#freeByNode()
        const places = byNode.get(node)
        // Its partitions may be with another node now, some or all of them.
        this.#begin(byNode)
        if (places === undefined) break
        await this.#fetch(node, places)
        failures = 0
      } catch (error) {
        if (this.#isOver) break
        if (!(await this.#recovers(error, ++failures))) return this.#fail(error)
      }
    }
    this.#fetching.delete(node)
  }

  async #fetch(node: string, places: readonly Place[]): Promise<void> {
    const { cluster } = this.#options
    const broker = await cluster.findBroker({ nodeId: node })
    const isAll = places.length === this.#places.size
    const topics = await fetchFrom(broker, {
      maxWaitTime: isAll ? maxWaitMs : shortWaitMs,
      minBytes: 1,
      maxBytes,
      isolationLevel: 1,
      topics: places.map(({ topic, partition, position }) => ({
        topic,
        partitions: [{ partition, fetchOffset: position.toString(), maxBytes: maxBytesPerPartition }],
      })),
    })
    for (const { topicName, partitions } of topics) {
      for (const fetched of partitions) {
        const place = this.#places.get(placeOf({ topic: topicName, partition: fetched.partition }))
        if (place !== undefined && places.includes(place))
          this.#take(place, visibleRecords(place.position, fetched), places)
      }
    }
  }

  #take(place: Place, { records, next, isHollow }: VisibleRecords, asked: readonly Place[]): void {
    if (isHollow && asked.length > 1) return this.#askAlone(place)
    const last = records.at(-1)
    const seen = last === undefined ? place.position : BigInt(last.offset) + 1n
    place.position = next
    if (last !== undefined) this.#handOver(place, records)
    if (next > seen) this.#options.onPassed(place, next)
  }

  #handOver(place: Place, records: readonly KafkaRecord[]): void {
    place.isBusy = true
    void this.#options.onRecords(place, records).then(() => {
      place.isBusy = false
      this.#fetchAll()
    })
  }

  /**
   * Nothing where there should be something: either it was the turn of others, or what was there is compacted away. Who
   * asks for one partition alone gets what there is.
   */
  #askAlone(place: Place): void {
    const node = this.#leaderOf(place)
    place.isBusy = true
    void this.#fetch(node, [place])
      .catch((error: unknown) => this.#recovers(error, 1).then((does) => (does ? undefined : this.#fail(error))))
      .then(() => {
        place.isBusy = false
        this.#fetchAll()
      })
  }

  async #recovers(error: unknown, failures: number): Promise<boolean> {
    const { cluster, pause } = this.#options
    const verdict = verdictOf(error)
    try {
      if (verdict === 'outOfRange' && this.#options.whenGone === 'oldest')
        await this.#beginAtOldest(error as Partial<TopicPartition>)
      else if (verdict === 'later' && failures <= maxLater) {
        await pause(laterMs)
        if (!this.#isOver) await cluster.refreshMetadata()
      } else return false
      return true
    } catch (failure) {
      return verdictOf(failure) === 'later'
    }
  }

  /** What was there is gone, by retention or because the topic was made anew: all that there still is comes. */
  async #beginAtOldest({ topic, partition }: Partial<TopicPartition>): Promise<void> {
    if (topic === undefined || partition === undefined) return
    const [found] = await this.#options.cluster.fetchTopicsOffset([
      { topic, partitions: [{ partition }], fromBeginning: true },
    ])
    const place = this.#places.get(placeOf({ topic, partition }))
    const oldest = found?.partitions[0]?.offset
    if (place !== undefined && oldest !== undefined) place.position = BigInt(oldest)
  }

  #fail(error: unknown): void {
    if (this.#isOver) return
    this.close()
    this.#options.onFailed(error)
  }
}

/** A name for a place in maps. */
export function placeOf({ topic, partition }: TopicPartition): string {
  return `${topic}/${partition}`
}
