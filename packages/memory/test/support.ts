import {
  ManualClock,
  systemRandom,
  type Delivery,
  type DriverConnection,
  type DriverContext,
  type DriverEvent,
  type Listener,
  type ListenRequest,
  type SendFailure,
  type Settlement,
  type WireMessage,
  type Address,
} from '@waybill/core/driver'
import { createMemoryBroker, memory, type MemoryBroker, type MemoryOptions } from '../src/index.ts'

export const source = { channel: 'orders', group: 'billing' }
export const accept: Settlement = { kind: 'accept' }
export const release: Settlement = { kind: 'release' }

/** Lets everything that waits for microtasks happen. */
export async function turn(): Promise<void> {
  for (let left = 30; left > 0; left--) await Promise.resolve()
}

export function wire(text: string, changes: Partial<WireMessage> = {}): WireMessage {
  const none = Object.create(null) as Record<string, string>
  return {
    id: text,
    source: '/test',
    type: 'test',
    time: undefined,
    contentType: 'text/plain',
    extensions: none,
    key: undefined,
    headers: none,
    body: Buffer.from(text),
    ...changes,
  }
}

export function textOf(message: WireMessage): string {
  return Buffer.from(message.body ?? []).toString()
}

/** A delivery that the test settles when it likes. */
export interface Held {
  readonly delivery: Delivery
  readonly text: string
  settle(settlement: Settlement): Promise<void>
}

export interface Recorder {
  readonly listener: Listener
  readonly all: Held[]
  /** Delivered and not settled. */
  readonly open: Held[]
  texts(): string[]
}

export interface Site {
  readonly broker: MemoryBroker
  readonly clock: ManualClock
  readonly sender: DriverConnection
  readonly receiver: DriverConnection
  readonly events: DriverEvent[]
  connect(role: 'send' | 'receive', signal?: AbortSignal): Promise<DriverConnection>
  send(to: Address, ...messages: readonly (WireMessage | string)[]): Promise<(SendFailure | undefined)[]>
  sendLater(to: Address, text: string, delayMs: number): Promise<SendFailure | undefined>
  listen(request?: Partial<ListenRequest>, connection?: DriverConnection): Promise<Recorder>
}

export interface SiteOptions extends MemoryOptions {
  readonly keyed?: boolean
  readonly groups?: readonly string[]
  readonly delaysMs?: readonly number[]
}

/** A broker with the channel `orders` and its groups, and one connection per role. */
export async function open(options: SiteOptions = {}): Promise<Site> {
  const { keyed = false, groups = ['billing'], delaysMs = [], ...driverOptions } = options
  const broker = driverOptions.broker ?? createMemoryBroker()
  const clock = new ManualClock()
  const events: DriverEvent[] = []
  const driver = memory({ ...driverOptions, broker })
  const connect = (role: 'send' | 'receive', signal = new AbortController().signal) => {
    const logger = { warn: () => {} }
    const report = (event: DriverEvent) => void events.push(event)
    const context: DriverContext = { role, instance: 'test', clock, random: systemRandom, logger, signal, report }
    return driver.connect(context)
  }
  const sender = await connect('send')
  const receiver = await connect('receive')
  const topology = { channels: [{ name: 'orders', keyed, groups: groups.map((name) => ({ name, delaysMs })) }] }
  await sender.provision(topology, 'create')
  await receiver.provision(topology, 'create')
  const send = (to: Address, ...messages: readonly (WireMessage | string)[]) =>
    sendOn(
      sender,
      to,
      messages.map((each) => ({ message: typeof each === 'string' ? wire(each) : each })),
    )
  const sendLater = async (to: Address, text: string, delayMs: number) =>
    (await sendOn(sender, to, [{ message: wire(text), delayMs }]))[0]
  const listen = (request: Partial<ListenRequest> = {}, connection = receiver) => record(connection, request)
  return { broker, clock, sender, receiver, events, connect, send, sendLater, listen }
}

export function sendOn(
  connection: DriverConnection,
  to: Address,
  batch: readonly { readonly message: WireMessage; readonly delayMs?: number }[],
): Promise<(SendFailure | undefined)[]> {
  return new Promise((resolve) => {
    const results: (SendFailure | undefined)[] = new Array(batch.length).fill(undefined)
    let left = batch.length
    connection.send(to, batch, (index, failure) => {
      results[index] = failure
      if (--left === 0) resolve(results)
    })
  })
}

async function record(connection: DriverConnection, request: Partial<ListenRequest>): Promise<Recorder> {
  const all: Held[] = []
  const held: Held[] = []
  const onDelivery = (delivery: Delivery) =>
    new Promise<Settlement>((resolve) => {
      const entry: Held = {
        delivery,
        text: textOf(delivery.message),
        async settle(settlement) {
          held.splice(held.indexOf(entry), 1)
          resolve(settlement)
          await turn()
        },
      }
      all.push(entry)
      held.push(entry)
    })
  const listener = await connection.listen({ source, order: 'none', maxInFlight: 100, ...request }, onDelivery)
  await turn()
  return { listener, all, open: held, texts: () => all.map((each) => each.text) }
}

/** Whether a promise has settled by now. */
export async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  let settled = false
  const mark = () => {
    settled = true
  }
  promise.then(mark, mark)
  await turn()
  return settled
}
