import { setImmediate } from 'node:timers/promises'
import { connect, type DeadLetter, type Message, type Messaging } from '@waybill/core'
import { within } from './deadline.ts'
import { sequenceHeader, type Run } from './run.ts'
import type { Shipment } from './shipment.ts'
import { type GroupName, type Webhook, webhooks } from './webhook-channel.ts'

export type WebhookLetter = DeadLetter<Message<Webhook>>

const sentAtOnce = 1_000

export interface OperatorOptions {
  readonly url: string
  readonly run: Run
  /** How long one step may take. */
  readonly stepMs: number
  /** Gives up connecting, and sending. */
  readonly signal: AbortSignal | undefined
}

/** Who sends, and who looks after what was dead-lettered. */
export class Operator {
  readonly #messaging: Messaging
  readonly #run: Run
  readonly #stepMs: number
  readonly #signal: AbortSignal | undefined

  private constructor(messaging: Messaging, { run, stepMs, signal }: OperatorOptions) {
    this.#messaging = messaging
    this.#run = run
    this.#stepMs = stepMs
    this.#signal = signal
  }

  static async connect(options: OperatorOptions): Promise<Operator> {
    const { url, run, stepMs, signal } = options
    const connecting = connect(url, { source: run.source, ...(signal === undefined ? {} : { signal }) })
    return new Operator(await within('connecting', stepMs, connecting), options)
  }

  /** Removes the dead letters that an earlier run of this program left; answers how many. */
  async removeLeftovers(group: GroupName): Promise<number> {
    const letters = this.#messaging.deadLetters(webhooks, group)
    const where = ({ message }: WebhookLetter): boolean => message.source === this.#run.source
    return within('removing what an earlier run left', this.#stepMs, letters.discard({ where }))
  }

  /** Resolves when the broker has confirmed every one of them. */
  async send(shipments: readonly Shipment[]): Promise<void> {
    const producer = await within('starting the producer', this.#stepMs, this.#messaging.producer(webhooks))
    const unconfirmed: Promise<unknown>[] = []
    for (const { webhook, id, sequence } of shipments) {
      if (unconfirmed.length >= sentAtOnce) await unconfirmed.shift()
      // An embedded broker confirms without letting go of the thread, which timers and signals need too.
      if (sequence % sentAtOnce === 0) await setImmediate()
      this.#signal?.throwIfAborted()
      const sent = producer.send(webhook, { id, headers: { [sequenceHeader]: String(sequence) } })
      sent.catch(() => {})
      unconfirmed.push(sent)
    }
    await Promise.all(unconfirmed)
  }

  async deadLetters(group: GroupName): Promise<readonly WebhookLetter[]> {
    const collect = async (): Promise<WebhookLetter[]> => {
      const letters: WebhookLetter[] = []
      for await (const letter of this.#messaging.deadLetters(webhooks, group).list()) letters.push(letter)
      return letters.filter(({ message }) => this.#run.owns(message))
    }
    return within(`listing the dead letters of ${group}`, this.#stepMs, collect())
  }

  async deadLetter(group: GroupName, id: string): Promise<WebhookLetter | undefined> {
    return within(
      `reading a dead letter of ${group}`,
      this.#stepMs,
      this.#messaging.deadLetters(webhooks, group).get(id),
    )
  }

  /** Sends all dead letters of this run to their group again; answers how many. */
  async redrive(group: GroupName): Promise<number> {
    const where = ({ message }: WebhookLetter): boolean => this.#run.owns(message)
    const redriving = this.#messaging.deadLetters(webhooks, group).redrive({ where })
    const { redriven, failed } = await within(`redriving to ${group}`, this.#stepMs, redriving)
    const [first] = failed
    if (first !== undefined) {
      throw new Error(`${failed.length} dead letters could not be redriven; ${first.id}: ${first.error.message}`)
    }
    return redriven
  }

  async close(): Promise<void> {
    await within('closing', this.#stepMs, this.#messaging.close({ drainMs: 10_000 }))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }
}
