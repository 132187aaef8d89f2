import type { ChannelDefinition } from './channel.ts'
import type { Connection } from './connection.ts'
import { coreHeader, withHeaders, withoutCounters } from './core-headers.ts'
import { withDeadline } from './deadline.ts'
import type { DeadLetter, DeadLetters, DeadLetterSelection } from './dead-letters.ts'
import type { Timer } from './driver/clock.ts'
import type { Delivery, Listener, Settlement } from './driver/driver.ts'
import { headersOf } from './driver/header-table.ts'
import type { WireMessage } from './driver/wire-message.ts'
import { decodeFailure, withoutFailure } from './failure-record.ts'
import { decode, ReceivedMessage } from './message-decoder.ts'
import type { EncoderLimits, MessageEncoder } from './message-encoder.ts'
import { MessagingError } from './messaging-error.ts'
import type { Message } from './message.ts'
import type { Receipt } from './producer.ts'
import type { TimerQueue } from './timer-queue.ts'
import { asError, wrapError } from './wrap-error.ts'

export interface DeadLetterBrowserOptions {
  readonly connection: Connection
  readonly channel: ChannelDefinition
  readonly group: string
  readonly encoder: MessageEncoder
  /** Makes sure that channel and group are there. */
  readonly ready: () => Promise<void>
}

/** What the caller of `#walk` wants with a letter. `keep` leaves it, `stop` leaves it and ends the walk. */
type Verdict = 'keep' | 'remove' | 'stop'

const browseDeadlineMs = 60_000
const maxBrowsed = 1_000_000

/** The dead letters of one group, seen through the dead lane of its driver. Conformance: RDR-01 to RDR-09. */
export class DeadLetterBrowser implements DeadLetters<any> {
  readonly #options: DeadLetterBrowserOptions

  constructor(options: DeadLetterBrowserOptions) {
    this.#options = options
  }

  async *list(options: { limit?: number; after?: string } = {}): AsyncIterable<DeadLetter> {
    const { limit = Infinity, after } = options
    const letters: DeadLetter[] = []
    let past = after === undefined
    await this.#walk(async (letter) => {
      if (letters.length >= limit) return 'stop'
      if (past) letters.push(letter)
      else past = letter.message.id === after
      return letters.length >= limit ? 'stop' : 'keep'
    })
    yield* letters
  }

  async get(id: string): Promise<DeadLetter | undefined> {
    let found: DeadLetter | undefined
    await this.#walk(async (letter) => {
      if (letter.message.id !== id) return 'keep'
      found = letter
      return 'stop'
    })
    return found
  }

  async redrive(
    which: DeadLetterSelection<Message>,
  ): Promise<{ readonly redriven: number; readonly failed: readonly { id: string; error: Error }[] }> {
    const selected = selector(which)
    const failed: { id: string; error: Error }[] = []
    let redriven = 0
    await this.#walk(async (letter, wire) => {
      try {
        if (!selected(letter)) return 'keep'
        await this.#sendToGroup(redrivable(wire))
        redriven++
        return 'remove'
      } catch (error) {
        failed.push({ id: letter.message.id, error: asError(error) })
        return 'keep'
      }
    })
    return { redriven, failed }
  }

  async replace(id: string, data: unknown): Promise<Receipt> {
    const { channel, encoder, connection } = this.#options
    const limits: EncoderLimits = connection.driver.capabilities
    const corrected = await encoder.encode(channel, data, undefined, limits)
    let replaced = false
    let failure: unknown
    await this.#walk(async (letter, wire) => {
      if (replaced || failure !== undefined || letter.message.id !== id) return 'keep'
      try {
        await this.#sendToGroup(correctedCopy(corrected, wire, id))
        replaced = true
        return 'remove'
      } catch (error) {
        failure = error
        return 'keep'
      }
    })
    if (failure !== undefined) throw failure
    if (!replaced) throw this.#notThere(id)
    return { id: corrected.id! }
  }

  async discard(which: DeadLetterSelection<Message>): Promise<number> {
    const selected = selector(which)
    let discarded = 0
    await this.#walk(async (letter) => {
      if (!selected(letter)) return 'keep'
      discarded++
      return 'remove'
    })
    return discarded
  }

  #sendToGroup(message: WireMessage): Promise<void> {
    const { connection, channel, group } = this.#options
    return connection.sendOwn({ channel: channel.name, group }, message)
  }

  /** Shows each letter once, in order, and settles as told; what is kept is given back at the end. */
  async #walk(visit: (letter: DeadLetter, wire: WireMessage) => Promise<Verdict>): Promise<void> {
    const { connection, channel, group, ready } = this.#options
    await ready()
    const link = await connection.receiving.whenUp()
    const walk = new Walk(visit, (wire) => this.#letterOf(wire))
    let listener: Listener
    try {
      listener = await link.listen(
        {
          source: { channel: channel.name, group, lane: 'dead' },
          order: 'none',
          maxInFlight: maxBrowsed,
          intent: 'browse',
        },
        walk.onDelivery,
      )
    } catch (error) {
      throw this.#wrap(error)
    }
    try {
      const lost = await Promise.race([listener.ended, walk.stopped, walk.stalled(connection.timers)])
      await walk.decided()
      if (lost !== undefined) throw this.#wrap(lost)
    } finally {
      walk.giveBack()
      const late = () => new MessagingError('timeout', 'giving dead letters back took too long')
      await withDeadline(listener.drain(), browseDeadlineMs, connection.runtime.clock, late).catch((error: unknown) =>
        connection.fault(this.#wrap(error), { channel: channel.name, group }),
      )
    }
  }

  #letterOf(wire: WireMessage): DeadLetter {
    const { channel } = this.#options
    const failure = decodeFailure(wire.headers)
    const clean = { ...wire, headers: withoutFailure(wire.headers) }
    const delivery = { message: clean } as Delivery
    const seen = new ReceivedMessage(
      delivery,
      wire.id ?? '',
      { type: wire.type ?? channel.type, data: undefined },
      channel.name,
    )
    const { id, type, source, time, key, correlationId, headers } = seen
    return {
      message: { id, type, source, time, key, correlationId, headers, body: wire.body },
      failure:
        failure === undefined
          ? undefined
          : {
              type: failure.type,
              message: failure.message,
              stack: failure.stack,
              attempts: failure.attempts,
              firstFailureAt: failure.firstFailureAt,
              lastFailureAt: failure.lastFailureAt,
              position: failure.position,
            },
      decode: async () => (await decode(channel, clean)).data,
    }
  }

  #wrap(error: unknown): MessagingError {
    const { connection, channel, group } = this.#options
    const what = `cannot read the dead letters of group "${group}" of "${channel.name}"`
    return wrapError(connection.driver, error, what, { channel: channel.name, group })
  }

  #notThere(id: string): MessagingError {
    const { channel, group } = this.#options
    return new MessagingError('notFound', `group "${group}" of "${channel.name}" has no dead letter "${id}"`, {
      channel: channel.name,
      group,
    })
  }
}

/** One pass over the letters: visits them as they come, in order, and holds what is kept until the end. */
class Walk {
  /** Resolves when a visit wants no more. */
  readonly stopped: Promise<undefined>
  readonly #visit: (letter: DeadLetter, wire: WireMessage) => Promise<Verdict>
  readonly #letterOf: (wire: WireMessage) => DeadLetter
  readonly #held: ((settlement: Settlement) => void)[] = []
  #isStopped = false
  #visited = 0
  #undecided = 0
  #timer: Timer | undefined
  #stop!: (value: undefined) => void
  #whenDecided: (() => void) | undefined

  constructor(
    visit: (letter: DeadLetter, wire: WireMessage) => Promise<Verdict>,
    letterOf: (wire: WireMessage) => DeadLetter,
  ) {
    this.#visit = visit
    this.#letterOf = letterOf
    this.stopped = new Promise((resolve) => {
      this.#stop = resolve
    })
  }

  readonly onDelivery = (delivery: Delivery): Promise<Settlement> =>
    new Promise((resolve) => {
      this.#visited++
      if (this.#isStopped) return resolve({ kind: 'release' })
      this.#undecided++
      this.#visit(this.#letterOf(delivery.message), delivery.message).then(
        (verdict) => this.#settle(resolve, verdict),
        () => this.#settle(resolve, 'keep'),
      )
    })

  /** Resolves once each visit has come to its verdict. */
  decided(): Promise<void> {
    if (this.#undecided === 0) return Promise.resolve()
    return new Promise((resolve) => {
      this.#whenDecided = resolve
    })
  }

  /** Resolves with an error when the broker says nothing more, so that nobody waits for ever. */
  stalled(timers: TimerQueue): Promise<MessagingError> {
    return new Promise((resolve) => {
      const look = (before: number) => {
        if (this.#visited === before && this.#undecided === 0) {
          return resolve(new MessagingError('timeout', `no dead letter and no end within ${browseDeadlineMs} ms`))
        }
        const visited = this.#visited
        this.#timer = timers.after(browseDeadlineMs, () => look(visited))
      }
      look(-1)
    })
  }

  giveBack(): void {
    this.#isStopped = true
    this.#timer?.cancel()
    for (const settle of this.#held.splice(0)) settle({ kind: 'release' })
  }

  #settle(settle: (settlement: Settlement) => void, verdict: Verdict): void {
    if (verdict === 'remove') settle({ kind: 'accept' })
    else if (this.#isStopped) settle({ kind: 'release' })
    else this.#held.push(settle)
    if (verdict === 'stop') this.#stop(undefined)
    if (--this.#undecided === 0) this.#whenDecided?.()
  }
}

function selector(which: DeadLetterSelection<Message>): (letter: DeadLetter) => boolean {
  if (which === 'all') return () => true
  const { ids, where } = (which ?? {}) as { ids?: readonly string[]; where?: (letter: DeadLetter) => boolean }
  if (Array.isArray(ids)) {
    const wanted = new Set(ids)
    return (letter) => wanted.has(letter.message.id)
  }
  if (typeof where === 'function') return where
  throw new MessagingError('invalidArgument', `say which dead letters: { ids }, { where } or 'all'`)
}

/** As it was sent, for a fresh start: no record, no counters. */
function redrivable(wire: WireMessage): WireMessage {
  const headers = withoutCounters(withoutFailure(wire.headers))
  const { expirytime: _, ...extensions } = wire.extensions
  return { ...wire, headers, extensions: headersOf(extensions) }
}

function correctedCopy(corrected: WireMessage, original: WireMessage, id: string): WireMessage {
  const headers = withHeaders(redrivable(original).headers, { [coreHeader.replaces]: id })
  return { ...corrected, key: corrected.key ?? original.key, headers }
}
