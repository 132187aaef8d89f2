import { setTimeout as sleep } from 'node:timers/promises'
import { MessageLedger } from '@waybill/conformance'
import type { Entrant } from './entrant.ts'

const deadlineMs = 60_000
const workMs = 2
const body = Buffer.alloc(200, 'x')

/** What one library is put through, with the account of it. */
export class Load {
  readonly ledger = new MessageLedger()
  /** Sends that neither resolved nor rejected within their deadline. */
  hung = 0
  /** Handlers that ran for a message that a handler had handled or was handling. */
  ranTwice = 0
  readonly #entrant: Entrant
  readonly #seen = new Set<string>()
  #next = 0

  constructor(entrant: Entrant) {
    this.#entrant = entrant
  }

  async consume(): Promise<void> {
    await this.#entrant.consume(async (id) => {
      if (this.#seen.has(id)) this.ranTwice++
      this.#seen.add(id)
      await sleep(workMs)
      this.ledger.handled(id)
    })
  }

  /** One send; resolves when it has its answer, or is given up. */
  async send(): Promise<void> {
    const hangs = new AbortController()
    const answer = this.ledger.send(`m${this.#next++}`, (id) => this.#entrant.send(id, body)).then(() => false)
    const late = sleep(deadlineMs, true, { signal: hangs.signal }).catch(() => false)
    if (await Promise.race([answer, late])) this.hung++
    hangs.abort()
  }

  /** Has `fault` strike `times` times, evenly over `of`, as `count` grows. Gives up waiting without a word. */
  async strike(times: number, of: number, count: () => number, fault: () => Promise<void>): Promise<void> {
    for (let struck = 1; struck <= times; struck++) {
      await until(() => count() >= (of / (times + 1)) * struck, deadlineMs)
      await fault()
    }
  }
}

/** Gives up without a word: the account tells. */
export async function until(reached: () => boolean, withinMs: number): Promise<void> {
  const endsAt = performance.now() + withinMs
  while (!reached() && performance.now() < endsAt) await sleep(5)
}
