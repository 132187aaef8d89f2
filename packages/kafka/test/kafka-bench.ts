import {
  type Address,
  type Delivery,
  type Driver,
  type DriverConnection,
  type DriverEvent,
  type Headers,
  type ListenRequest,
  type Settlement,
  systemClock,
  systemRandom,
  type Topology,
  type TopologyChannel,
  type WireMessage,
} from '@waybill/core/driver'
import type { Admin } from 'kafkajs'
import { inject } from 'vitest'
import { kafka, type KafkaOptions } from '../src/index.ts'
import { kafkaAt, RawLog, type RawRecord } from './kafka-cluster.ts'

export const brokerUrl = process.env.WAYBILL_KAFKA_URL ?? inject('kafka').url

let names = 0
const run = Math.floor(Math.random() * 2 ** 32).toString(36)

export function freshName(what = 'channel'): string {
  return `unit.${run}.${what}-${++names}`
}

export interface Opened {
  readonly connection: DriverConnection
  readonly events: DriverEvent[]
  readonly warnings: string[]
  abort(reason?: unknown): void
}

/** A driver on the real broker, kafkajs beside it, and what is left of both is closed by `close`. */
export class Bench {
  readonly driver: Driver
  readonly #options: Omit<KafkaOptions, 'url'>
  readonly #opened: DriverConnection[] = []
  #admin: Promise<Admin> | undefined
  #log: Promise<RawLog> | undefined

  constructor(options: Omit<KafkaOptions, 'url'> = {}) {
    this.#options = { partitions: 3, heartbeatMs: 2_000, sessionTimeoutMs: 6_000, ...options }
    this.driver = kafka({ url: brokerUrl, ...this.#options })
  }

  open(role: 'send' | 'receive', topology?: Topology, url?: string): Promise<Opened> {
    return url === undefined ? this.#connect(this.driver, role, topology) : this.through(url).connect(role, topology)
  }

  /** A driver by another way to the broker. */
  through(url: string) {
    const driver = kafka({ ...this.#options, url })
    return { driver, connect: (role: 'send' | 'receive', topology?: Topology) => this.#connect(driver, role, topology) }
  }

  /** Both roles with the same topology. */
  async pair(topology: Topology): Promise<{ sender: Opened; receiver: Opened }> {
    const [sender, receiver] = await Promise.all([this.open('send', topology), this.open('receive', topology)])
    return { sender, receiver }
  }

  admin(): Promise<Admin> {
    this.#admin ??= (async () => {
      const admin = kafkaAt(brokerUrl).admin()
      await admin.connect()
      return admin
    })()
    return this.#admin
  }

  /** A topic that somebody else made. */
  async makeTopic(topic: string, partitions = 1, settings: { readonly [name: string]: string } = {}): Promise<void> {
    const configEntries = Object.entries(settings).map(([name, value]) => ({ name, value }))
    await (await this.admin()).createTopics({ topics: [{ topic, numPartitions: partitions, configEntries }] })
  }

  /** Removes all records of a partition before `offset`, as retention does. */
  async truncate(topic: string, partition: number, offset: number): Promise<void> {
    const admin = await this.fresh()
    await admin.fetchTopicOffsets(topic)
    await admin.deleteTopicRecords({ topic, partitions: [{ partition, offset: String(offset) }] })
  }

  async topics(fragment: string): Promise<string[]> {
    return (await (await this.admin()).listTopics()).filter((topic) => topic.includes(fragment)).sort()
  }

  /** All records of a topic, partition by partition. */
  async records(topic: string): Promise<RawRecord[]> {
    this.#log ??= RawLog.open(kafkaAt(brokerUrl))
    const log = await this.#log
    const found: RawRecord[] = []
    for (const { partition, low, high } of await this.#offsets(topic)) {
      found.push(...(await log.read({ topic, partition, offset: BigInt(low) }, BigInt(high))))
    }
    return found
  }

  async bodies(topic: string): Promise<string[]> {
    return (await this.records(topic)).map(({ value }) => String(value))
  }

  /** What a group has committed, by partition. */
  async committed(groupId: string, topic: string): Promise<(readonly [offset: string, metadata: string | null])[]> {
    const [found] = await (await this.fresh()).fetchOffsets({ groupId, topics: [topic] })
    return (found?.partitions ?? [])
      .toSorted((a, b) => a.partition - b.partition)
      .map(({ offset, metadata }) => [offset, metadata] as const)
  }

  /** An admin that no deleted topic is in the way of. */
  async fresh(): Promise<Admin> {
    await (await this.#admin)?.disconnect()
    this.#admin = undefined
    return this.admin()
  }

  async close(): Promise<void> {
    await Promise.all(this.#opened.map((connection) => connection.close()))
    await (await this.#admin)?.disconnect()
    await (await this.#log)?.close()
  }

  async #connect(driver: Driver, role: 'send' | 'receive', topology?: Topology): Promise<Opened> {
    const events: DriverEvent[] = []
    const warnings: string[] = []
    const controller = new AbortController()
    const connection = await driver.connect({
      role,
      instance: 'bench',
      clock: systemClock,
      random: systemRandom,
      logger: { warn: (message) => void warnings.push(message) },
      signal: controller.signal,
      report: (event) => void events.push(event),
    })
    this.#opened.push(connection)
    if (topology !== undefined) await connection.provision(topology, 'create')
    return { connection, events, warnings, abort: (reason) => controller.abort(reason) }
  }

  async #offsets(topic: string): Promise<{ partition: number; low: string; high: string }[]> {
    return (await (await this.fresh()).fetchTopicOffsets(topic)).toSorted((a, b) => a.partition - b.partition)
  }
}

export type TopologyShape = Partial<Omit<TopologyChannel, 'name' | 'groups'>> & {
  readonly groups?: readonly string[]
  readonly delaysMs?: readonly number[]
}

export function topologyOf(name: string, shape: TopologyShape = {}): Topology {
  const { keyed = false, groups = ['group'], delaysMs = [], ...rest } = shape
  return { channels: [{ name, keyed, groups: groups.map((group) => ({ name: group, delaysMs })), ...rest }] }
}

let ids = 0
const noHeaders = Object.freeze(Object.create(null)) as Headers

export function wireMessage(change: Partial<WireMessage> = {}): WireMessage {
  return {
    id: `id-${run}-${++ids}`,
    source: '/bench',
    type: 'tested',
    time: '2025-01-01T00:00:00.000Z',
    contentType: 'text/plain',
    extensions: noHeaders,
    key: undefined,
    headers: noHeaders,
    body: Buffer.from('body'),
    ...change,
  }
}

export function numbered(count: number, change: Partial<WireMessage> = {}): WireMessage[] {
  return Array.from({ length: count }, (_, index) => wireMessage({ body: Buffer.from(String(index)), ...change }))
}

export function headersOf(record: { readonly [name: string]: string }): Headers {
  return Object.assign(Object.create(null), record) as Headers
}

export interface Outcome {
  readonly error?: unknown
  readonly outcome?: 'notSent' | 'unknown'
}

/** What became of each entry, in order. Fails when one is answered twice. */
export function send(connection: DriverConnection, to: Address, messages: readonly WireMessage[]): Promise<Outcome[]> {
  const outcomes: Outcome[] = []
  let left = messages.length
  return new Promise((resolve, reject) => {
    const batch = messages.map((message) => ({ message }))
    connection.send(to, batch, (index, failure) => {
      if (outcomes[index] !== undefined) reject(new Error(`entry ${index} was answered twice`))
      outcomes[index] = failure ?? {}
      if (--left === 0) setTimeout(() => resolve(outcomes), 20)
    })
  })
}

export interface Received {
  readonly deliveries: Delivery[]
  readonly bodies: string[]
  drain(): Promise<void>
  readonly ended: Promise<unknown>
}

/** Listens and settles at once. */
export async function receive(
  connection: DriverConnection,
  request: Partial<ListenRequest> & Pick<ListenRequest, 'source'>,
  settle: (delivery: Delivery) => Settlement = () => ({ kind: 'accept' }),
): Promise<Received> {
  const deliveries: Delivery[] = []
  const bodies: string[] = []
  const listener = await connection.listen({ order: 'none', maxInFlight: 100, ...request }, async (delivery) => {
    deliveries.push(delivery)
    bodies.push(Buffer.from(delivery.message.body ?? []).toString())
    return settle(delivery)
  })
  return { deliveries, bodies, drain: () => listener.drain(), ended: listener.ended }
}

export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
  withinMs = 10_000,
): Promise<void> {
  const giveUpAt = performance.now() + withinMs
  while (!(await condition())) {
    if (performance.now() > giveUpAt) throw new Error(`${what}: not within ${withinMs} ms`)
    await sleep(10)
  }
}

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
