import { setTimeout as pause } from 'node:timers/promises'
import { type Configuration, connect, type Messaging, type Sent } from '@waybill/core'
import { orderPlaced } from './order-placed.ts'

type Order = Sent<typeof orderPlaced>

const customers = 20
const everyMs = 20
/** Sends that wait for the broker. */
const mostUnconfirmed = 1_000
/** One order in so many is paid with a card that has expired. */
const expiredEvery = 97
/** As many as an outbox relay that dies may have sent and not marked. */
const sentAgain = 25

/** Places orders of all customers all the time, and stands for all processes that send. */
export class Shop {
  /** What a broker has confirmed, each once. */
  readonly sent = new Map<string, Order>()
  /** Orders that were sent to both brokers. */
  sentAgain = 0
  #messaging: Messaging
  #isOpen = true
  readonly #unconfirmed = new Set<Promise<void>>()
  readonly #selling: Promise<void>

  private constructor(messaging: Messaging) {
    this.#messaging = messaging
    this.#selling = this.#sell()
  }

  static async open(configuration: Configuration): Promise<Shop> {
    return new Shop(await connectShop(configuration))
  }

  /**
   * Goes on with another configuration. Who went before ends when all it sent is confirmed, and is taken for one that died
   * without having noted that of its last orders: they are sent again, with the same ids, to the new broker.
   */
  async restart(configuration: Configuration): Promise<void> {
    const before = this.#messaging
    this.#messaging = await connectShop(configuration)
    const again = [...this.sent].slice(-sentAgain)
    this.sentAgain += again.length
    for (const [id, order] of again) this.#send(id, order)
    await before.close({ drainMs: 20_000 })
  }

  /** Places no more; resolves when all is confirmed. Rejects if something was not. */
  async close(): Promise<void> {
    this.#isOpen = false
    await this.#selling
    await Promise.all(this.#unconfirmed)
    await this.#messaging.close()
  }

  async #sell(): Promise<void> {
    for (let number = 1; this.#isOpen; number++) {
      for (let customer = 0; customer < customers; customer++) {
        const isExpired = (number * customers + customer) % expiredEvery === 0
        const order: Order = { customer: `c${customer}`, number, card: isExpired ? 'expired' : 'valid' }
        this.#send(`${order.customer}-${number}`, order)
      }
      await pause(everyMs)
      while (this.#unconfirmed.size > mostUnconfirmed) await Promise.race(this.#unconfirmed)
    }
  }

  #send(id: string, order: Order): void {
    const sending = this.#messaging.send(orderPlaced, order, { id }).then(() => {
      this.sent.set(id, order)
      this.#unconfirmed.delete(sending)
    })
    // What is not confirmed stays there: for `close` to say.
    sending.catch(() => {})
    this.#unconfirmed.add(sending)
  }
}

/** What makes two messages the same is their source and id: it must not change with the broker. */
function connectShop(configuration: Configuration): Promise<Messaging> {
  return connect(configuration, { source: '/shop' })
}
