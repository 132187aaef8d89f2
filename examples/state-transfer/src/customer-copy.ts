import type { Consumer, Messaging } from '@waybill/core'
import { customers, type Customer } from './customers.ts'

/** All customers there are, in this process: no question to the service that owns them, not even while it is down. */
export class CustomerCopy implements AsyncDisposable {
  readonly #byId = new Map<string, Customer>()
  #consumer!: Consumer

  /** Resolves once the copy has all that there was when it began. */
  static async open(messaging: Messaging): Promise<CustomerCopy> {
    const copy = new CustomerCopy()
    const options = { startFrom: 'beginning', onGap: () => copy.#byId.clear() } as const
    copy.#consumer = await messaging.consumeBroadcast(customers, options, async (customer, { message }) =>
      copy.#apply(message.key, customer),
    )
    await copy.caughtUp()
    return copy
  }

  /** After a gap the copy fills anew, from the beginning. Resolves once it has all that there is now. */
  caughtUp(): Promise<void> {
    return this.#consumer.caughtUp()
  }

  get(id: string): Customer | undefined {
    return this.#byId.get(id)
  }

  all(): readonly Customer[] {
    return [...this.#byId.values()].sort((one, other) => (one.id < other.id ? -1 : 1))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#consumer.close()
  }

  #apply(id: string | undefined, customer: Customer | undefined): void {
    if (id === undefined) return
    if (customer === undefined) this.#byId.delete(id)
    else this.#byId.set(id, customer)
  }
}
