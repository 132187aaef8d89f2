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
  type WireMessage,
} from '@waybill/core/driver'
import { type Channel, type ChannelModel, connect } from 'amqplib'
import { inject } from 'vitest'
import { rabbitmq, type RabbitmqOptions } from '../src/index.ts'

export const brokerUrl = process.env.WAYBILL_RABBITMQ_URL ?? inject('rabbitmq').url

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

/** A driver on the real broker, amqplib beside it, and what is left of both is closed by `close`. */
export class Bench {
  readonly driver: Driver
  readonly #opened: DriverConnection[] = []
  readonly #options: Omit<RabbitmqOptions, 'url'>
  #raw: Promise<ChannelModel> | undefined

  constructor(options: Omit<RabbitmqOptions, 'url'> = {}) {
    this.#options = options
    this.driver = rabbitmq({ url: brokerUrl, ...options })
  }

  async open(role: 'send' | 'receive', topology?: Topology, url?: string): Promise<Opened> {
    const events: DriverEvent[] = []
    const warnings: string[] = []
    const controller = new AbortController()
    const driver = url === undefined ? this.driver : rabbitmq({ ...this.#options, url })
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

  /** Both roles with the same topology. */
  async pair(topology: Topology): Promise<{ sender: Opened; receiver: Opened }> {
    const [sender, receiver] = await Promise.all([this.open('send', topology), this.open('receive', topology)])
    return { sender, receiver }
  }

  raw(): Promise<ChannelModel> {
    this.#raw ??= connect(brokerUrl)
    return this.#raw
  }

  /** An amqp channel of its own, that may fail. */
  async channel(): Promise<Channel> {
    const channel = await (await this.raw()).createChannel()
    return channel.on('error', () => {})
  }

  async depth(queue: string): Promise<number> {
    const channel = await this.channel()
    const { messageCount } = await channel.checkQueue(queue)
    await channel.close()
    return messageCount
  }

  async close(): Promise<void> {
    await Promise.all(this.#opened.map((connection) => connection.close()))
    await (await this.#raw)?.close()
  }
}

export interface TopologyShape {
  readonly keyed?: boolean
  readonly groups?: readonly string[]
  readonly delaysMs?: readonly number[]
  readonly settings?: { readonly [name: string]: unknown }
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

export function headersOf(record: { readonly [name: string]: string }): Headers {
  return Object.assign(Object.create(null), record) as Headers
}

export interface Outcome {
  readonly error?: unknown
  readonly outcome?: 'notSent' | 'unknown'
}

/** What became of each entry, in order. Fails when one is answered twice. */
export function send(
  connection: DriverConnection,
  to: Address,
  messages: readonly WireMessage[],
  delayMs?: number,
): Promise<Outcome[]> {
  const outcomes: Outcome[] = []
  let left = messages.length
  return new Promise((resolve, reject) => {
    const batch = messages.map((message) => (delayMs === undefined ? { message } : { message, delayMs }))
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
  /** Settles the delivery of that number. */
  settle(index: number, settlement?: Settlement): void
  /** Settles everything open now. */
  settleAll(settlement?: Settlement): void
  drain(): Promise<void>
  readonly ended: Promise<unknown>
}

const accept: Settlement = { kind: 'accept' }

/** Listens and keeps each delivery until told; `auto` settles at once. */
export async function receive(
  connection: DriverConnection,
  request: Partial<ListenRequest> & Pick<ListenRequest, 'source'>,
  auto?: (delivery: Delivery) => Settlement,
): Promise<Received> {
  const deliveries: Delivery[] = []
  const bodies: string[] = []
  const open: (((settlement: Settlement) => void) | undefined)[] = []
  const settle = (index: number, settlement = accept) => {
    open[index]?.(settlement)
    open[index] = undefined
  }
  const listener = await connection.listen({ order: 'none', maxInFlight: 100, ...request }, (delivery) => {
    deliveries.push(delivery)
    bodies.push(Buffer.from(delivery.message.body ?? []).toString())
    if (auto !== undefined) return Promise.resolve(auto(delivery))
    return new Promise((resolve) => open.push(resolve))
  })
  return {
    deliveries,
    bodies,
    settle,
    settleAll: (settlement) => open.forEach((_, index) => void settle(index, settlement)),
    drain: () => listener.drain(),
    ended: listener.ended,
  }
}

export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
  withinMs = 5_000,
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
