import { describe, expect, test } from 'vitest'
import type { Driver, DriverContext } from '../src/driver/driver.ts'
import { ManualClock } from '../src/driver/manual-clock.ts'
import { Link } from '../src/link.ts'

const settled = () => new Promise<void>((resolve) => setImmediate(resolve))

/** A broker that welcomes everybody and hangs up after a while. */
class Welcome {
  readonly clock = new ManualClock()
  /** When somebody connected. */
  readonly times: number[] = []
  /** How long each connection lasts; `undefined`: until told otherwise. */
  lastsMs: number | undefined
  readonly link: Link

  constructor(lastsMs?: number) {
    this.lastsMs = lastsMs
    this.link = new Link({
      driver: {
        system: 'stub',
        classify: () => 'unavailable',
        connect: (context: DriverContext) => this.#accept(context),
      } as unknown as Driver,
      role: 'send',
      instance: 'one',
      runtime: { clock: this.clock, random: { next: () => 0.5, fill: () => {} } },
      observer: { restore: async () => {}, up: () => {}, down: () => {}, fault: () => {}, unblocked: () => {} },
    })
  }

  async #accept(context: DriverContext): Promise<never> {
    this.times.push(this.clock.monotonic())
    const hangUp = () => context.report({ kind: 'lost', error: new Error('hung up') })
    if (this.lastsMs !== undefined) this.clock.after(this.lastsMs, hangUp)
    return { close: async () => {} } as never
  }

  /** How long after the one before each connection came. */
  get pausesMs(): readonly number[] {
    return this.times.slice(1).map((time, index) => time - (this.times[index] as number))
  }
}

describe('a link', () => {
  test('waits ever longer for a broker that hangs up at once', async () => {
    const broker = new Welcome(1)
    await broker.link.start(0, undefined)
    await broker.clock.advanceAsync(60_000, settled)
    expect(broker.times.length).toBeLessThan(30)
    await broker.link.close()
  })

  test('waits no longer than its connections last', async () => {
    const broker = new Welcome(100)
    await broker.link.start(0, undefined)
    await broker.clock.advanceAsync(10_000, settled)
    expect(Math.max(...broker.pausesMs)).toBeLessThanOrEqual(100 + 150)
    await broker.link.close()
  })

  test('is back soon when a connection had held', async () => {
    const broker = new Welcome(1)
    await broker.link.start(0, undefined)
    await broker.clock.advanceAsync(20_000, settled)
    broker.lastsMs = 5_000
    await broker.clock.advanceAsync(30_000, settled)
    expect(broker.pausesMs.at(-1)).toBeLessThan(5_000 + 50)
    await broker.link.close()
  })
})
