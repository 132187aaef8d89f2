import { deepEqual, equal } from 'node:assert/strict'
import type { Handler, Messaging, SendOptions } from '@waybill/core'
import { item, type Item, type ItemChannel } from '../../item.ts'
import type { Kit, KitConnectOptions } from '../../kit.ts'
import { MessageLedger } from '../../message-ledger.ts'

export const group = 'billing'

const senders = 20
const pauseMs = 5
const workMs = 2
const mostAhead = 1_000

export interface LoadOptions {
  /** Messages to send at least; sending goes on as long as it is disturbed. */
  readonly count: number
  readonly connect?: KitConnectOptions
}

/** One channel, with the account of what is sent and handled on it. */
export class Load {
  readonly messaging: Messaging
  readonly channel: ItemChannel<typeof group>
  readonly ledger = new MessageLedger()
  readonly #kit: Kit

  constructor(kit: Kit, messaging: Messaging, channel = kit.channel([group])) {
    this.#kit = kit
    this.messaging = messaging
    this.channel = channel
  }

  /** Sends one item under an id made of its number; what comes of it stands in the ledger. */
  send(each: Item, options: SendOptions): Promise<void> {
    const send = (id: string) => this.messaging.send(this.channel, each, { ...options, id })
    return this.ledger.send(`${this.#kit.nonce}-${each.n}`, send)
  }

  /** A handler that tells the ledger once `inner` has succeeded. */
  handler(inner: Handler<Item> = () => this.#kit.sleep(workMs)): Handler<Item> {
    return async (data, context) => {
      await inner(data, context)
      this.ledger.handled(context.message.id)
    }
  }

  /** Resolves once that many more messages were handled than now. */
  async progress(more: number): Promise<void> {
    const wanted = this.ledger.handledMessages + more
    const { recoverMs, arriveMs } = this.#kit.timings
    const reached = (): boolean => this.ledger.handledMessages >= wanted
    await this.#kit.eventually(`${more} more messages handled`, reached, recoverMs + arriveMs)
  }

  /** Resolves once no more messages wait to be handled than can be in the time that there is in the end. */
  async room(): Promise<void> {
    const ahead = (): number => this.ledger.acknowledged.size - this.ledger.handledMessages
    while (ahead() > mostAhead && !this.#kit.signal.aborted) await this.#kit.sleep(20)
  }

  /** Runs `senders` while `disturb` does its worst; they are to stop once it has ended. */
  async while(disturb: () => Promise<void>, senders: readonly Promise<void>[], stop: () => void): Promise<void> {
    await Promise.all([disturb().finally(stop), ...senders])
  }

  /** Everything acknowledged was handled, except for `except`. */
  async untilHandled(withinMs: number, except: ReadonlySet<string> = new Set()): Promise<void> {
    const open = (): readonly string[] => this.ledger.open.filter((id) => !except.has(id))
    const reached = (): true => {
      const left = open()
      if (left.length > 0) throw new Error(`${left.length} are open, ${left.slice(0, 5)} among them`)
      return true
    }
    await this.#kit.eventually('all that was acknowledged is handled', reached, withinMs)
  }

  /** Nothing waits, nothing is unsettled, nothing comes back, and the connections are up. */
  async expectNothingLeft(): Promise<void> {
    const kit = this.#kit
    const at = { channel: this.channel.name, group }
    const isEmpty = async (): Promise<boolean> =>
      (await kit.probe.depth(at)) === 0 && (await kit.probe.unsettled(at)) === 0
    await kit.eventually('all is settled', isEmpty, kit.timings.recoverMs)
    const before = this.ledger.handledMessages
    const repeatedBefore = this.ledger.duplicated.length
    await kit.quiet('no message comes back for good', {
      watch: () => [this.ledger.handledMessages, this.ledger.duplicated.length],
      control: async () => {
        await this.send(item(-1), {})
        await kit.eventually('the control', () => this.ledger.handledMessages > before)
      },
    })
    equal(this.ledger.duplicated.length, repeatedBefore)
    equal(this.messaging.health().status, 'up')
  }
}

/**
 * Sends and consumes without a pause while `disturb` does its worst, then looks at the whole account: every send
 * resolved, nothing lost, nothing foreign, nothing left over, quiet in the end. Duplicates are counted and reported.
 */
export async function underLoad(
  kit: Kit,
  { count, connect = {} }: LoadOptions,
  disturb: (load: Load) => Promise<void>,
): Promise<Load> {
  const load = new Load(kit, await kit.connect(connect))
  await load.messaging.consume(load.channel, { group, concurrency: 16 }, load.handler())
  let next = 0
  let disturbed = true
  const send = async (): Promise<void> => {
    while ((disturbed || next < count) && !kit.signal.aborted) {
      const n = next++
      await load.send(item(n, { key: `k${n % 16}` }), { timeoutMs: 120_000 })
      await load.room()
      await kit.sleep(pauseMs)
    }
  }
  const stop = (): void => void (disturbed = false)
  await load.while(() => disturb(load), Array.from({ length: senders }, send), stop)
  await load.untilHandled(kit.timings.recoverMs + kit.timings.arriveMs)
  load.ledger.expectWhole()
  kit.account(load.ledger.account)
  await load.expectNothingLeft()
  deepEqual(await kit.probe.readDeadLetters(load.channel.name, group), [], 'dead letters')
  return load
}
