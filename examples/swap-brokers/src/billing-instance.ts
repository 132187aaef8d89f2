import { type Configuration, connect, type Consumer, type DeadLetters, type Messaging } from '@waybill/core'
import type { Billing } from './billing.ts'
import { orderPlaced } from './order-placed.ts'

/** One process of billing. */
export class BillingInstance {
  readonly #messaging: Messaging
  readonly #consumer: Consumer

  private constructor(messaging: Messaging, consumer: Consumer) {
    this.#messaging = messaging
    this.#consumer = consumer
  }

  static async start(configuration: Configuration, billing: Billing): Promise<BillingInstance> {
    const messaging = await connect(configuration)
    try {
      return new BillingInstance(messaging, await messaging.consume(orderPlaced, billing.options, billing.handle))
    } catch (error) {
      await messaging.close()
      throw error
    }
  }

  get deadLetters(): DeadLetters<(typeof orderPlaced)['~types']> {
    return this.#messaging.deadLetters(orderPlaced, 'billing')
  }

  caughtUp(): Promise<void> {
    return this.#consumer.caughtUp()
  }

  /** As a deployment does it, with SIGTERM: what runs is finished, the rest is given back. */
  stop(): Promise<void> {
    return this.#messaging.close({ drainMs: 20_000 })
  }
}
