import { setImmediate } from 'node:timers/promises'
import { exponential } from '@waybill/core'
import type { Arrival, Group } from './group.ts'
import { GroupTally } from './group-tally.ts'

/** The chat service does not answer for the moment. */
export class ChatUnavailable extends Error {
  override readonly name = 'ChatUnavailable'
}

/** Posts a line per webhook to a chat service that fails now and then: a failure holds its repository and is retried. */
export class NotifyGroup implements Group {
  readonly name = 'notify'
  readonly tally = new GroupTally()
  readonly options = {
    concurrency: 16,
    retry: exponential({ maxAttempts: 5, initialDelayMs: 20, maxDelayMs: 500 }),
    retryIf: (error: unknown) => error instanceof ChatUnavailable,
  }
  readonly #failuresLeft = new Map<string, number>()

  constructor(failures: ReadonlyMap<string, number>) {
    this.#failuresLeft = new Map(failures)
  }

  handle(arrival: Arrival): Promise<void> {
    return this.tally.run(arrival, String(arrival.sequence), () => this.#post(arrival.id))
  }

  async #post(id: string): Promise<void> {
    await setImmediate()
    const left = this.#failuresLeft.get(id) ?? 0
    if (left === 0) return
    this.#failuresLeft.set(id, left - 1)
    this.tally.retried++
    throw new ChatUnavailable('the chat service answered 503')
  }
}

/** Every 25th message fails once; every 100th three times in a row, which only a growing delay gets through. */
export function chatFailures(number: number): number {
  if (number % 100 === 0) return 3
  return number % 25 === 0 ? 1 : 0
}
