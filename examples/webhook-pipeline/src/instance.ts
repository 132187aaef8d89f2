import { type Consumer, connect, type HandlerContext, type Messaging, type Middleware } from '@waybill/core'
import type { Group } from './group.ts'
import { sequenceHeader, type Run } from './run.ts'
import { type Webhook, webhooks } from './webhook-channel.ts'

export interface InstanceOptions {
  readonly url: string
  readonly run: Run
  readonly middleware: readonly Middleware[]
  readonly onFault: (text: string) => void
  /** Gives up connecting. */
  readonly signal: AbortSignal | undefined
}

/** One member of a group, with a connection of its own, as if it were a process of its own. */
export class Instance {
  readonly name: string
  readonly #messaging: Messaging
  readonly #consumer: Consumer

  private constructor(name: string, messaging: Messaging, consumer: Consumer) {
    this.name = name
    this.#messaging = messaging
    this.#consumer = consumer
  }

  static async start(
    name: string,
    group: Group,
    { url, run, middleware, onFault, signal }: InstanceOptions,
  ): Promise<Instance> {
    const messaging = await connect(url, {
      source: run.source,
      middleware,
      ...(signal === undefined ? {} : { signal }),
      onEvent: ({ type, error }) => {
        if (type === 'fault' || type === 'leaseLost')
          onFault(`${name}: ${type}: ${error?.message ?? 'no reason given'}`)
      },
    })
    const handle = async (webhook: Webhook, { message }: HandlerContext): Promise<void> => {
      if (!run.owns(message)) return
      const { id, key = '', headers } = message
      await group.handle({ webhook, id, key, sequence: Number(headers[sequenceHeader]) })
    }
    try {
      const consumer = await messaging.consume(webhooks, { group: group.name, ...group.options }, handle)
      return new Instance(name, messaging, consumer)
    } catch (error) {
      await messaging.close()
      throw error
    }
  }

  /** Resolves once nothing of this moment waits for the group any more. */
  caughtUp(): Promise<void> {
    return this.#consumer.caughtUp()
  }

  /** Lets handlers finish and gives back what never started. */
  close(): Promise<void> {
    return this.#messaging.close({ drainMs: 10_000 })
  }
}
