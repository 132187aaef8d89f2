import { until } from '@waybill/conformance/bench'
import { describe, expect, it } from 'vitest'
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
