import { until } from '@waybill/conformance/bench'
import { describe, expect, it } from 'vitest'
import { fetched as recordOf } from './fetched.ts'
import { Fetcher } from '../src/kafkajs-fetcher.ts'
import type { KafkajsCluster } from '../src/kafkajs-cluster.ts'

const topic = 'orders'
const notLeader = 6

/** Two nodes, of which one leads each partition. A client knows who led when it last asked. */
class TwoNodes {
  /** Partitions by node, as they were asked for. */
  readonly fetched: { readonly [node: string]: Set<number> } = { 1: new Set(), 2: new Set() }
  readonly #leaders: number[]
  #known: readonly number[] = []

  constructor(leaders: readonly number[]) {
    this.#leaders = [...leaders]
    this.#known = leaders
  }

  move(partition: number, node: number): void {
    this.#leaders[partition] = node
  }

  readonly cluster = {
    findTopicPartitionMetadata: () => this.#known.map((leader, partitionId) => ({ leader, partitionId })),
    refreshMetadata: async () => void (this.#known = [...this.#leaders]),
    findBroker: async ({ nodeId }: { readonly nodeId: string }) => ({
      versions: {},
      fetch: (request: Request) => this.#fetch(Number(nodeId), request),
    }),
  } as unknown as KafkajsCluster

  async #fetch(node: number, { topics }: Request): Promise<object> {
    await new Promise((resolve) => setTimeout(resolve, 5))
    const partitions = topics.flatMap((each) => each.partitions.map(({ partition }) => partition))
    if (partitions.some((partition) => this.#leaders[partition] !== node))
      throw Object.assign(new Error('NOT_LEADER_FOR_PARTITION'), { code: notLeader })
    for (const partition of partitions) this.fetched[node]!.add(partition)
    return { responses: [] }
  }
}

interface Request {
  readonly topics: readonly { readonly partitions: readonly { readonly partition: number }[] }[]
}

async function reading(nodes: TwoNodes, partitions: readonly number[]) {
  const failures: unknown[] = []
  const fetcher = new Fetcher({
    cluster: nodes.cluster,
    pause: (delayMs) => new Promise((resolve) => setTimeout(resolve, delayMs)),
    onRecords: async () => {},
    onPassed: () => {},
    onFailed: (error) => failures.push(error),
    whenGone: 'fail',
  })
  for (const partition of partitions) fetcher.add({ topic, partition, offset: 0n })
  await until('all are asked for', () => partitions.every((partition) => nodes.fetched[1]!.has(partition)))
  return { fetcher, failures }
}

describe('partitions that another node leads now', () => {
  it('are asked for there, the last one too', async () => {
    const nodes = new TwoNodes([1])
    const { fetcher, failures } = await reading(nodes, [0])
    nodes.move(0, 2)
    await until('the new leader is asked', () => nodes.fetched[2]!.has(0))
    expect(failures).toEqual([])
    fetcher.close()
  })

  it('are asked for there without an error, once somebody knows', async () => {
    const nodes = new TwoNodes([1, 1])
    const { fetcher, failures } = await reading(nodes, [0, 1])
    nodes.move(1, 2)
    await nodes.cluster.refreshMetadata()
    await until('the new leader is asked', () => nodes.fetched[2]!.has(1))
    nodes.fetched[1]!.clear()
    await until('the old one is, for what it still leads', () => nodes.fetched[1]!.has(0))
    expect([nodes.fetched[1]!.has(1), failures]).toEqual([false, []])
    fetcher.close()
  })
})

/** What was asked of one node that leads all: the partitions, and how long it may wait. */
class OneNode {
  readonly asked: (readonly [partitions: string, maxWaitMs: number])[] = []
  /** The partition that has records, one for each request; the others have none. */
  readonly #full = 0
  #offset = 0n

  readonly cluster = {
    findTopicPartitionMetadata: () => [0, 1].map((partitionId) => ({ leader: 1, partitionId })),
    findBroker: async () => ({ versions: {}, fetch: (request: FullRequest) => this.#fetch(request) }),
  } as unknown as KafkajsCluster

  async #fetch({ topics, maxWaitTime }: FullRequest): Promise<object> {
    const partitions = topics.flatMap((each) => each.partitions.map(({ partition }) => partition))
    this.asked.push([partitions.join(), maxWaitTime])
    await new Promise((resolve) => setTimeout(resolve, 1))
    if (!partitions.includes(this.#full)) return { responses: [] }
    const offset = this.#offset++
    const records = [recordOf({ offset: String(offset) })]
    const batch = {
      firstOffset: offset,
      lastOffset: offset,
      producerId: -1n,
      inTransaction: false,
      isControl: false,
      records,
    }
    const partition = {
      partition: this.#full,
      errorCode: 0,
      end: offset + 1n,
      abortedTransactions: [],
      batches: [batch],
    }
    return { responses: [{ topicName: topic, partitions: [partition] }] }
  }
}

interface FullRequest extends Request {
  readonly maxWaitTime: number
}

describe('partitions beside one whose records are being taken', () => {
  async function readingBoth(takenMs: number, pause: () => Promise<void>) {
    const node = new OneNode()
    const fetcher = new Fetcher({
      cluster: node.cluster,
      pause,
      onRecords: () => new Promise((resolve) => setTimeout(resolve, takenMs)),
      onPassed: () => {},
      onFailed: () => {},
      whenGone: 'fail',
    })
    for (const partition of [0, 1]) fetcher.add({ topic, partition, offset: 0n })
    await until('it was asked often', () => node.asked.length > 20)
    fetcher.close()
    return new Set(node.asked.slice(1).map(String))
  }

  it('wait for it, since that takes a moment as a rule, and no request is under way then', async () => {
    expect(await readingBoth(3, () => new Promise(() => {}))).toEqual(new Set(['0,1,500']))
  })

  it('are asked for alone, and not for long, when that takes longer', async () => {
    const asked = await readingBoth(200, async () => {})
    expect(asked.has('1,5')).toBe(true)
    expect([...asked].filter((each) => each !== '1,5' && each !== '0,1,500')).toEqual([])
  })
})
