import { Deque } from './deque.ts'
import type { Capabilities } from './driver/capabilities.ts'
import type { PendingSend } from './pending-send.ts'

export interface ReadySendsOptions extends Pick<Capabilities['send'], 'maxBatch' | 'maxBatchBytes'> {
  /** Of a key only one may be on its way: the others are parked behind it. */
  readonly serial: boolean
}

/** The sends to one address that wait to be handed over, in the order of their submission. */
export class ReadySends {
  readonly #options: ReadySendsOptions
  readonly #sends = new Deque<PendingSend>()
  readonly #keysInFlight = new Set<string>()
  readonly #parked = new Map<string, PendingSend[]>()

  constructor(options: ReadySendsOptions) {
    this.#options = options
  }

  /** Those parked are not counted. */
  get length(): number {
    return this.#sends.length
  }

  add(send: PendingSend): void {
    this.#sends.push(send)
  }

  /** As many as the driver takes, by count and by bytes; at least one. Conformance: SND-06. */
  take(): PendingSend[] {
    const { maxBatch, maxBatchBytes } = this.#options
    const batch: PendingSend[] = []
    let bytes = 0
    for (let send = this.#sends.peek(); send !== undefined && batch.length < maxBatch; send = this.#sends.peek()) {
      if (!send.answered && !this.#mustWait(send)) {
        bytes += send.bytes
        if (batch.length > 0 && bytes > maxBatchBytes) break
        if (this.#options.serial && send.message.key !== undefined) this.#keysInFlight.add(send.message.key)
        send.inFlight = true
        batch.push(send)
      }
      this.#sends.shift()
    }
    return batch
  }

  /** Once a batch is answered its keys are free, and what was parked behind them has its turn. */
  release(batch: readonly PendingSend[]): void {
    if (!this.#options.serial) return
    const next: PendingSend[] = []
    for (const { message } of batch) {
      if (message.key === undefined) continue
      this.#keysInFlight.delete(message.key)
      next.push(...(this.#parked.get(message.key) ?? []))
      this.#parked.delete(message.key)
    }
    for (const send of next.sort((a, b) => b.seq - a.seq)) this.#sends.unshift(send)
  }

  /** Puts failed sends back where they were, before anything submitted later. */
  putBack(failed: readonly PendingSend[]): void {
    const waiting: PendingSend[] = [...failed]
    for (let send = this.#sends.shift(); send !== undefined; send = this.#sends.shift()) waiting.push(send)
    waiting.sort((a, b) => a.seq - b.seq)
    for (const send of waiting) this.#sends.push(send)
  }

  #mustWait(send: PendingSend): boolean {
    const { key } = send.message
    if (key === undefined || !this.#keysInFlight.has(key)) return false
    const parked = this.#parked.get(key)
    if (parked === undefined) this.#parked.set(key, [send])
    else parked.push(send)
    return true
  }
}
