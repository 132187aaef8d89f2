import { deepEqual, equal, ok } from 'node:assert/strict'
import type { Behaviour } from '../../behaviour.ts'
import { item, type Item } from '../../item.ts'
import type { Kit } from '../../kit.ts'
import { monotonicMs } from '../../time.ts'
import { group, Load } from '../flt/load.ts'
import { idOf, refusesRetries, retries } from './letters.ts'

const concurrency = 32
const workMs = 10
const poisonEvery = 100
const leastShare = 0.95
const retry = { maxAttempts: 3, delaysMs: [100] }

/** Blocks of good messages and blocks with poison among them, in turn, so that what slows the machine slows both. */
export const poisonShare: readonly Behaviour[] = [
  {
    id: 'RTY-12',
    part: 'one in a hundred',
    needs: { capability: retries },
    tags: ['long'],
    deadlineMs: 90_000,
    async run(kit) {
      const count = kit.size('messages', { reduced: 4_000, full: 100_000 })
      const pairs = kit.size('blocks', { reduced: 4, full: 10 })
      const lanes = [new Lane(kit, false), new Lane(kit, true)] as const
      for (const lane of lanes) await lane.open()
      for (let pair = 0; pair < pairs; pair++) {
        kit.step(`${pair} of ${pairs} pairs of blocks`)
        // The one that goes first may find a colder or a warmer machine.
        for (const lane of pair % 2 === 0 ? lanes : lanes.toReversed()) await lane.handleBlock(count / pairs)
      }
      const [clean, poisoned] = lanes
      const share = median(poisoned.rates.map((rate, pair) => rate / (clean.rates[pair] as number)))
      for (const { load } of lanes) load.ledger.expectWhole()
      const letters = await kit.probe.readDeadLetters(poisoned.load.channel.name, group)
      kit.account(
        { ...poisoned.load.ledger.account, deadLettered: letters.length },
        { cleanPerSecond: Math.round(median(clean.rates)), percentOfCleanRate: Math.round(share * 1_000) / 10 },
      )
      deepEqual(letters.map(idOf).sort(), [...poisoned.poison].sort(), 'each poison once among the dead letters')
      deepEqual(await kit.probe.readDeadLetters(clean.load.channel.name, group), [])
      for (const { load } of lanes) equal(load.ledger.duplicated.length, 0, 'handled twice')
      // Blocks of the reduced size are over too soon to tell one percent from another.
      if (kit.full) ok(share >= leastShare, `good ones keep ${(share * 100).toFixed(1)} % of their rate`)
    },
    refusal: refusesRetries,
  },
]

/** One channel with its consumer, which rests while a block is sent. */
class Lane {
  readonly poison = new Set<string>()
  readonly rates: number[] = []
  load!: Load
  readonly #kit: Kit
  readonly #isPoisoned: boolean
  #consumer!: { pause(): void; resume(): void }
  #sent = 0

  constructor(kit: Kit, isPoisoned: boolean) {
    this.#kit = kit
    this.#isPoisoned = isPoisoned
  }

  async open(): Promise<void> {
    const kit = this.#kit
    this.load = new Load(kit, await kit.connect())
    const handler = this.load.handler(async (each) => {
      if (this.#isBad(each)) throw new Error('planted')
      await kit.sleep(workMs)
    })
    const { messaging, channel } = this.load
    this.#consumer = await messaging.consume(channel, { group, concurrency, retry }, handler)
  }

  /** Sends `size` messages, then has them handled; the rate is that of the good ones. */
  async handleBlock(size: number): Promise<void> {
    const kit = this.#kit
    const { ledger, channel } = this.load
    this.#consumer.pause()
    const data = Array.from({ length: size }, () => item(this.#sent++))
    const bad = data.filter((each) => this.#isBad(each))
    for (const { n } of bad) this.poison.add(`${kit.nonce}-${n}`)
    await Promise.all(data.map((each) => this.load.send(each, { timeoutMs: 60_000 })))
    const good = size - bad.length
    const wanted = ledger.handledMessages + good
    const startedAt = monotonicMs()
    this.#consumer.resume()
    const patienceMs = kit.timings.arriveMs + ((size * workMs) / concurrency) * 10
    await kit.eventually('the good ones are handled', () => ledger.handledMessages >= wanted, patienceMs)
    this.rates.push((good / (monotonicMs() - startedAt)) * 1_000)
    const dead = { channel: channel.name, group, lane: 'dead' } as const
    const allDead = async (): Promise<boolean> => (await kit.probe.depth(dead)) >= this.poison.size
    await kit.eventually('the bad ones are dead letters', allDead, patienceMs)
    for (const { n } of bad) ledger.deadLettered(`${kit.nonce}-${n}`)
  }

  #isBad({ n }: Item): boolean {
    return this.#isPoisoned && n % poisonEvery === poisonEvery - 1
  }
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  return ((sorted[(sorted.length - 1) >> 1] as number) + (sorted[sorted.length >> 1] as number)) / 2
}
