import {
  type ConsumeOptions,
  deadLetter,
  type HandlerContext,
  memoryIdempotencyStore,
  type Received,
} from '@waybill/core'
import type { orderPlaced } from './order-placed.ts'

type Order = Received<typeof orderPlaced>

/** Every so many orders the bank does not answer at the first attempt. */
const bankFailsEvery = 40

/**
 * Charges each order once. Nothing here knows a broker, so nothing here changes when it moves; what it counts stands for
 * the rows of a database that all instances share.
 */
export class Billing {
  readonly options = {
    group: 'billing',
    retry: { maxAttempts: 5, delaysMs: [100, 200, 400] },
    idempotency: { store: memoryIdempotencyStore({ retentionMs: Infinity }) },
  } as const satisfies ConsumeOptions<(typeof orderPlaced)['~types']>
  readonly charged = new Map<string, number>()
  orderViolations = 0
  readonly #renewed = new Set<string>()
  readonly #latest = new Map<string, number>()
  readonly #running = new Set<string>()

  readonly handle = async ({ customer, number, card }: Order, { message, attempt }: HandlerContext): Promise<void> => {
    const isRedriven = this.#renewed.has(message.id)
    if (card === 'expired' && !isRedriven) deadLetter(`the card of ${customer} has expired`)
    if (this.#running.has(customer)) this.orderViolations++
    this.#running.add(customer)
    try {
      await bankAnswers()
      if (number % bankFailsEvery === 0 && attempt === 1) throw new Error('the bank does not answer')
    } finally {
      this.#running.delete(customer)
    }
    this.charged.set(message.id, (this.charged.get(message.id) ?? 0) + 1)
    // What is redriven comes after what was sent later, and rightly so.
    if (isRedriven) return
    if (number < (this.#latest.get(customer) ?? 0)) this.orderViolations++
    else this.#latest.set(customer, number)
  }

  /** The customer was asked for another card. */
  renewCard(id: string): void {
    this.#renewed.add(id)
  }
}

function bankAnswers(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 1))
}
