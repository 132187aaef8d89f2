import type { BatchContext, Message } from '@waybill/core'
import type { Item } from '../../item.ts'
import type { Kit } from '../../kit.ts'
import { monotonicMs } from '../../time.ts'

export interface Batch {
  readonly ids: readonly string[]
  readonly items: readonly Item[]
  readonly attempts: readonly number[]
  readonly startedAt: number
  endedAt: number | undefined
  outcome: 'running' | 'done' | 'threw'
}

type BatchHandler = (messages: readonly Message<Item>[], context: BatchContext<Message<Item>>) => Promise<void>

/** Every batch that a handler was given. */
export class BatchRecord {
  readonly batches: Batch[] = []
  readonly #kit: Kit

  constructor(kit: Kit) {
    this.#kit = kit
  }

  handler(inner: BatchHandler = async () => {}): BatchHandler {
    return async (messages, context) => {
      const batch: Batch = {
        ids: messages.map(({ id }) => id),
        items: messages.map(({ data }) => data),
        attempts: messages.map((message) => context.attempt(message)),
        startedAt: monotonicMs(),
        endedAt: undefined,
        outcome: 'running',
      }
      this.batches.push(batch)
      try {
        await inner(messages, context)
        batch.outcome = 'done'
      } catch (error) {
        batch.outcome = 'threw'
        throw error
      } finally {
        batch.endedAt = monotonicMs()
      }
    }
  }

  /** How many messages were in batches that are over, with those of failed batches. */
  get entries(): number {
    return this.batches.filter(({ endedAt }) => endedAt !== undefined).reduce((sum, { ids }) => sum + ids.length, 0)
  }

  /** The numbers of the items, batch by batch. */
  get numbers(): readonly (readonly number[])[] {
    return this.batches.map(({ items }) => items.map(({ n }) => n))
  }

  async untilEntries(count: number, withinMs = this.#kit.timings.arriveMs): Promise<void> {
    const look = (): true => {
      if (this.entries < count) throw new Error(`${this.entries} in ${JSON.stringify(this.numbers)}`)
      return true
    }
    await this.#kit.eventually(`${count} messages in batches`, look, withinMs)
  }
}
