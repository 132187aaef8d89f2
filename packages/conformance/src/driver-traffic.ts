import {
  noHeaders,
  systemRandom,
  type Address,
  type Delivery,
  type DriverConnection,
  type ListenRequest,
  type OnDelivery,
  type SendFailure,
  type Settlement,
  type WireMessage,
} from '@waybill/core/driver'
import { sleep } from './time.ts'

const run = Math.floor(systemRandom.next() * 2 ** 32).toString(36)
let ids = 0

/** A message with every attribute, no key and no headers. */
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

/** Messages whose bodies are `0`, `1` and so on. */
export function numbered(count: number, change: Partial<WireMessage> = {}): WireMessage[] {
  return Array.from({ length: count }, (_, index) => wireMessage({ body: Buffer.from(String(index)), ...change }))
}

/** Without an error: sent. */
export type Outcome = Partial<SendFailure>

/** A second answer to an entry comes within so long of the first, if at all. */
const secondAnswerMs = 20

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
      if (--left === 0) void sleep(secondAnswerMs).then(() => resolve(outcomes))
    })
  })
}

/** What a listener was given, in order. */
export interface Received {
  readonly deliveries: Delivery[]
  /** Their bodies as texts. */
  readonly bodies: string[]
  drain(): Promise<void>
  readonly ended: Promise<unknown>
}

export interface Held extends Received {
  /** Settles the delivery of that number. */
  settle(index: number, settlement?: Settlement): void
  /** Settles everything open now. */
  settleAll(settlement?: Settlement): void
}

type Request = Partial<ListenRequest> & Pick<ListenRequest, 'source'>

const accept: Settlement = { kind: 'accept' }

/** Listens, and settles each delivery at once. */
export function receive(
  connection: DriverConnection,
  request: Request,
  settle: (delivery: Delivery) => Settlement = () => accept,
): Promise<Received> {
  return listen(connection, request, async (delivery) => settle(delivery))
}

/** Listens, and keeps each delivery until it is told what to do with it. */
export async function hold(connection: DriverConnection, request: Request): Promise<Held> {
  const open: (((settlement: Settlement) => void) | undefined)[] = []
  const settle = (index: number, settlement = accept): void => {
    open[index]?.(settlement)
    open[index] = undefined
  }
  const received = await listen(connection, request, () => new Promise((resolve) => open.push(resolve)))
  return { ...received, settle, settleAll: (settlement) => open.forEach((_, index) => void settle(index, settlement)) }
}

async function listen(connection: DriverConnection, request: Request, onDelivery: OnDelivery): Promise<Received> {
  const deliveries: Delivery[] = []
  const bodies: string[] = []
  const listener = await connection.listen({ order: 'none', maxInFlight: 100, ...request }, (delivery) => {
    deliveries.push(delivery)
    bodies.push(Buffer.from(delivery.message.body ?? []).toString())
    return onDelivery(delivery)
  })
  return { deliveries, bodies, drain: () => listener.drain(), ended: listener.ended }
}
