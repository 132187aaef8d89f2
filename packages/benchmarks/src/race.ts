import { setTimeout as pause } from 'node:timers/promises'
import { within } from '@waybill/brokers'
import type { Contestant, Course, Track, Way } from './contestant.ts'
import { collectGarbage } from './garbage.ts'
import { type Load, measureEndToEnd, measureSend } from './latency.ts'
import { pipelined } from './pipelined.ts'
import { type Reading, Stopwatch } from './stopwatch.ts'

/** One contestant in the race, and what became of it. */
export interface Runner {
  readonly contestant: Contestant
  /** Why it is out. */
  failure?: string
}

export interface RaceOptions {
  readonly course: Course
  readonly track: Track
  /** Sends unconfirmed at a time. */
  readonly window: number
  readonly deadlineMs: number
  /** Puts messages into the queue for those who take any. */
  readonly filler: Contestant
}

export interface Lap {
  readonly body: Buffer
  readonly messages: number
  readonly around: <T>(work: () => Promise<T>) => Promise<T>
}

const acknowledgedAfterMs = 50

/**
 * A collection throws away compiled code: a fifth gets it back before the watch is started. Of 12,000 the first thousand
 * took twice to four times the CPU time of the others, and the second none more.
 */
function warmUpOf(messages: number): number {
  return Math.max(1, Math.ceil(messages / 5))
}

/** Measures one contestant at a time on one queue, and checks that what it says happened. */
export class Race {
  readonly #options: RaceOptions

  constructor(options: RaceOptions) {
    this.#options = options
  }

  /** Undefined when the runner failed or hung, which puts it out for good. */
  async measure(runner: Runner, way: Way, body: Buffer, messages: number): Promise<Reading | undefined> {
    return this.profile(runner, way, { body, messages, around: (work) => work() })
  }

  /** As `measure`, with what is measured, and nothing else, run inside `around`. */
  async profile(runner: Runner, way: Way, lap: Lap): Promise<Reading | undefined> {
    const work = way === 'publish' ? this.#publish : this.#consume
    return this.#guarded(runner, way, () => work(runner.contestant, lap))
  }

  /** Latencies in milliseconds at so many messages per second. */
  async latencies(runner: Runner, way: Way, body: Buffer, load: Load): Promise<Float64Array | undefined> {
    return this.#guarded(runner, `${way} at half load`, () => this.#latencies(runner.contestant, way, body, load))
  }

  async open(runner: Runner, prefetch: number): Promise<void> {
    await this.#guarded(runner, 'open', () => runner.contestant.open({ ...this.#options.course, prefetch }))
  }

  async close(runner: Runner): Promise<void> {
    if (runner.failure !== undefined) return
    const { deadlineMs } = this.#options
    await within('closing', deadlineMs, closing(runner.contestant)).catch((error: unknown) => {
      runner.failure ??= reasonOf(error)
    })
  }

  async #guarded<T>(runner: Runner, what: string, work: () => Promise<T>): Promise<T | undefined> {
    if (runner.failure !== undefined) return undefined
    try {
      return await within(what, this.#options.deadlineMs, work())
    } catch (error) {
      runner.failure = `${what}: ${reasonOf(error)}`
      // What it still does must not disturb those that go on.
      await within('closing', 2_000, closing(runner.contestant)).catch(() => {})
      await this.#options.track.clear()
      return undefined
    }
  }

  readonly #publish = async (contestant: Contestant, { body, messages, around }: Lap): Promise<Reading> => {
    const { track, window } = this.#options
    await track.clear()
    const send = await contestant.publisher(body)
    collectGarbage()
    const unmeasured = warmUpOf(messages)
    await pipelined(unmeasured, window, send)
    const reading = await around(async () => {
      const watch = new Stopwatch()
      await pipelined(messages, window, send)
      return watch.read(messages)
    })
    const [sent, held] = [messages + unmeasured, await track.clear()]
    if (held !== sent) throw new Error(`${sent} were confirmed and the broker held ${held}`)
    return reading
  }

  /** From a delivery after the warm-up to the last: subscribing is not part of the figure. */
  readonly #consume = async (contestant: Contestant, { body, messages, around }: Lap): Promise<Reading> => {
    const { track, window, filler } = this.#options
    await track.clear()
    const send = await (contestant.fillsItsOwn ? contestant : filler).publisher(body)
    const unmeasured = warmUpOf(messages)
    await pipelined(messages + unmeasured, window, send)
    collectGarbage()
    let watch: Stopwatch | undefined
    let received = 0
    let onDone!: (reading: Reading) => void
    const done = new Promise<Reading>((resolve) => {
      onDone = resolve
    })
    const [consumption, reading] = await around(async () => {
      const consumption = await contestant.consume(() => {
        received++
        if (received === unmeasured) watch = new Stopwatch()
        else if (received === unmeasured + messages) onDone((watch as Stopwatch).read(messages))
      })
      return [consumption, await done] as const
    })
    // Who disconnects with the last acknowledgements still in a buffer is not what is measured here.
    await pause(acknowledgedAfterMs)
    await consumption.stop()
    await this.#settled()
    return reading
  }

  /**
   * Takes away what came back. A quorum queue loses acknowledgements that it has not applied when their channel closes,
   * the baseline's as well. That they were sent needs no proof of its own: nobody gets more messages than the prefetch
   * without acknowledging the others.
   */
  async #settled(): Promise<void> {
    await pause(acknowledgedAfterMs)
    await this.#options.track.clear()
  }

  async #latencies(contestant: Contestant, way: Way, body: Buffer, load: Load): Promise<Float64Array> {
    const { track, filler } = this.#options
    collectGarbage()
    if (way === 'publish') {
      const taken = await measureSend(await contestant.publisher(body), load)
      await track.clear()
      return taken
    }
    const send = await (contestant.fillsItsOwn ? contestant : filler).publisher(body)
    const taken = await measureEndToEnd(send, (onMessage) => contestant.consume(onMessage), load)
    await this.#settled()
    return taken
  }
}

/** One that never opened may throw rather than reject. */
async function closing(contestant: Contestant): Promise<void> {
  await contestant.close()
}

/** One line, without what only this machine knows. */
export function reasonOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error)
  const [line = ''] = text.split('\n')
  return line
    .replace(/\w+:\/\/\S+/g, 'the broker')
    .replace(/(?:\d{1,3}\.){3}\d{1,3}(?::\d+)?/g, 'the broker')
    .replace(/(?:file:\/\/)?(?:\/[\w.@-]+){2,}/g, '...')
    .slice(0, 160)
}
