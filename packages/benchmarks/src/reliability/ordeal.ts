import { setTimeout as sleep } from 'node:timers/promises'
import type { MessageAccount } from '@waybill/conformance'
import { connect } from 'amqplib'
import type { Entrant } from './entrant.ts'
import { Load, until } from './load.ts'

export interface Outcome extends MessageAccount {
  readonly hung: number
  readonly ranTwice: number
}

export interface Arena {
  /** Straight to the broker. */
  readonly url: string
  readonly queue: string
  cut(): void
  kill(): Promise<void>
}

const inFlight = 256
/** Longer than the slowest reconnect of all. */
const restMs = 30_000
/** What is delivered twice comes late. */
const lateMs = 1_500

const size = { sends: 10_000, sendResets: 20, deliveries: 6_000, deliveryResets: 10, both: 1_000, kills: 2 }

/** 10,000 sends, 256 at a time, and 20 resets. What the broker has in the end is read by another client. */
export async function resetSends(entrant: Entrant, { url, queue, cut }: Arena): Promise<Outcome> {
  const load = new Load(entrant)
  const { ledger } = load
  const send = async (): Promise<void> => {
    while (ledger.account.attempted < size.sends) await load.send()
  }
  const answered = (): number => ledger.acknowledged.size + ledger.rejections.length
  const strike = load.strike(size.sendResets, size.sends, answered, async () => cut())
  await Promise.all([strike, ...Array.from({ length: inFlight }, send)])
  await sleep(lateMs)
  await drain(url, entrant.queueOf(queue), (id) => ledger.handled(id))
  return outcomeOf(load)
}

/** 6,000 messages that wait already are handled through 10 resets. */
export async function resetDeliveries(entrant: Entrant, { cut }: Arena): Promise<Outcome> {
  const load = new Load(entrant)
  const { ledger } = load
  for (let sent = 0; sent < size.deliveries; sent += 500)
    await Promise.all(Array.from({ length: 500 }, () => load.send()))
  await load.consume()
  await load.strike(
    size.deliveryResets,
    size.deliveries,
    () => ledger.handledMessages,
    async () => cut(),
  )
  await until(() => ledger.open.length === 0, restMs)
  await sleep(lateMs)
  return outcomeOf(load)
}

/** 1,000 messages or more, sent and handled at the same time, through 2 kills of the broker. */
export async function killBroker(entrant: Entrant, { kill }: Arena): Promise<Outcome> {
  const load = new Load(entrant)
  const { ledger } = load
  await load.consume()
  let disturbed = true
  const publish = async (): Promise<void> => {
    while (disturbed || ledger.account.attempted < size.both) {
      await Promise.all(Array.from({ length: 5 }, () => load.send()))
      await sleep(400 * (0.5 + Math.random()))
    }
  }
  const strike = load.strike(size.kills, size.both, () => ledger.account.attempted, kill)
  await Promise.all([strike.finally(() => (disturbed = false)), ...Array.from({ length: 16 }, publish)])
  await until(() => ledger.open.length === 0, restMs)
  await sleep(lateMs)
  return outcomeOf(load)
}

function outcomeOf({ ledger, hung, ranTwice }: Load): Outcome {
  return { ...ledger.account, hung, ranTwice }
}

/** Everything that waits in a queue, by the id of each message. */
async function drain(url: string, queue: string, take: (id: string) => void): Promise<void> {
  const connection = await connect(url)
  const channel = await connection.createChannel()
  let last = performance.now()
  await channel.consume(
    queue,
    (message) => {
      if (message === null) return
      last = performance.now()
      take(String(message.properties.messageId))
    },
    { noAck: true },
  )
  await until(() => performance.now() - last > lateMs, restMs)
  await connection.close()
}
