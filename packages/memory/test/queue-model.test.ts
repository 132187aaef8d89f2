import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { DriverConnection, Settlement } from '@waybill/core/driver'
import { open, textOf, turn, wire, accept, release, source, type Held, type Recorder, type Site } from './support.ts'

type Command =
  | { readonly kind: 'send'; readonly key: number; readonly count: number }
  | { readonly kind: 'listen'; readonly maxInFlight: number }
  | { readonly kind: 'settle'; readonly pick: number; readonly settlement: Settlement }
  | { readonly kind: 'drain' | 'lose'; readonly pick: number }

interface Member {
  readonly recorder: Recorder
  readonly connection: DriverConnection
  readonly maxInFlight: number
  readonly unsettled: Map<string, Held>
  seen: number
  drained: boolean
}

interface Mode {
  readonly keyed: boolean
  /** At most one message of a key is unsettled. */
  readonly oneAtATime: boolean
}

const command: fc.Arbitrary<Command> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant('send' as const), key: fc.nat(3), count: fc.integer({ min: 1, max: 6 }) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('listen' as const), maxInFlight: fc.integer({ min: 1, max: 4 }) }),
  },
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('settle' as const),
      pick: fc.nat(1000),
      settlement: fc.constantFrom(accept, accept, release),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom('drain' as const, 'lose' as const), pick: fc.nat(1000) }) },
)

/** What the queue must be: messages by the order sent, each ready, with one member, or settled. */
class Model {
  readonly #mode: Mode
  readonly #ready: string[] = []
  readonly keys = new Map<string, string | undefined>()
  readonly members: Member[] = []
  readonly settled: string[] = []
  sent = 0

  constructor(mode: Mode) {
    this.#mode = mode
  }

  add(text: string, key: string | undefined): void {
    this.keys.set(text, key)
    this.#ready.push(text)
  }

  giveBack(text: string): void {
    this.#ready.push(text)
    this.#ready.sort((a, b) => Number(a) - Number(b))
  }

  /** Takes over what was delivered, in the order of delivering, and checks that each delivery was right. */
  delivered(member: Member, held: Held): void {
    const { text } = held
    expect(this.#ready).toContain(text)
    const key = this.keys.get(text)
    const first = this.#mode.keyed ? this.#ready.find((each) => this.keys.get(each) === key) : this.#ready[0]
    if (!this.#mode.keyed || key !== undefined) expect(text, 'the first that could be delivered').toBe(first)
    if (key !== undefined) expect(this.#mayHave(member, key), `key ${key} is free for this member`).toBe(true)
    this.#ready.splice(this.#ready.indexOf(text), 1)
    member.unsettled.set(text, held)
    expect(member.unsettled.size).toBeLessThanOrEqual(member.maxInFlight)
  }

  /** Nobody with room is left without a message that it could have. */
  checkNobodyStarves(): void {
    for (const member of this.members) {
      if (member.drained || member.unsettled.size >= member.maxInFlight) continue
      const missed = this.#ready.find((text) => this.#mayHave(member, this.keys.get(text)))
      expect(missed, 'a message is kept from a member with room').toBeUndefined()
    }
  }

  #mayHave(member: Member, key: string | undefined): boolean {
    if (!this.#mode.keyed || key === undefined) return true
    const holders = this.members.filter((each) =>
      [...each.unsettled.keys()].some((text) => this.keys.get(text) === key),
    )
    if (holders.length === 0) return true
    return !this.#mode.oneAtATime && holders.every((each) => each === member)
  }
}

class Run {
  readonly #site: Site
  readonly #model: Model
  readonly #keyed: boolean

  constructor(site: Site, mode: Mode) {
    this.#site = site
    this.#keyed = mode.keyed
    this.#model = new Model(mode)
  }

  async do(each: Command): Promise<void> {
    const model = this.#model
    if (each.kind === 'send') await this.#send(each.key, each.count)
    else if (each.kind === 'listen') await this.#listen(each.maxInFlight)
    else if (each.kind === 'settle') await this.#settle(each.pick, each.settlement)
    else await this.#leave(each.kind, each.pick)
    await turn()
    this.#takeOver()
    model.checkNobodyStarves()
  }

  /** Accepts everything: each message must be settled exactly once. */
  async finish(): Promise<void> {
    await this.do({ kind: 'listen', maxInFlight: 1000 })
    for (let left = 10_000; left > 0; left--) {
      const member = this.#model.members.find((each) => each.unsettled.size > 0)
      if (member === undefined) break
      await this.#settleOne(member, [...member.unsettled.keys()][0] as string, accept)
      this.#takeOver()
    }
    const expected = Array.from({ length: this.#model.sent }, (_, index) => String(index))
    expect(this.#model.settled.toSorted((a, b) => Number(a) - Number(b))).toEqual(expected)
    expect(this.#site.broker.depth(source)).toEqual({ ready: 0, unsettled: 0, delayed: 0 })
  }

  async #send(key: number, count: number): Promise<void> {
    for (let left = count; left > 0; left--) {
      const text = String(this.#model.sent++)
      const name = this.#keyed && key > 0 ? `k${key}` : undefined
      this.#model.add(text, name)
      await this.#site.send({ channel: 'orders' }, wire(text, { key: name }))
    }
  }

  async #listen(maxInFlight: number): Promise<void> {
    const connection = await this.#site.connect('receive')
    const recorder = await this.#site.listen({ maxInFlight, order: this.#keyed ? 'key' : 'none' }, connection)
    const member = { recorder, connection, maxInFlight, unsettled: new Map(), seen: 0, drained: false }
    this.#model.members.push(member)
  }

  async #settle(pick: number, settlement: Settlement): Promise<void> {
    const all = this.#model.members.flatMap((member) => [...member.unsettled.keys()].map((text) => ({ member, text })))
    const chosen = all[pick % Math.max(all.length, 1)]
    if (chosen !== undefined) await this.#settleOne(chosen.member, chosen.text, settlement)
  }

  async #settleOne(member: Member, text: string, settlement: Settlement): Promise<void> {
    const held = member.unsettled.get(text) as Held
    member.unsettled.delete(text)
    if (settlement.kind === 'accept') this.#model.settled.push(text)
    else this.#model.giveBack(text)
    await held.settle(settlement)
  }

  async #leave(kind: 'drain' | 'lose', pick: number): Promise<void> {
    const active = this.#model.members.filter((each) => !each.drained)
    const member = active[pick % Math.max(active.length, 1)]
    if (member === undefined) return
    member.drained = true
    if (kind === 'drain') void member.recorder.listener.drain()
    else {
      for (const text of member.unsettled.keys()) this.#model.giveBack(text)
      member.unsettled.clear()
      await member.connection.close()
    }
  }

  /** In the order of delivering over all members, as far as it can be told: smaller texts of one key come first. */
  #takeOver(): void {
    const fresh = this.#model.members.flatMap((member) => {
      const held = member.recorder.all.slice(member.seen)
      member.seen += held.length
      return held.map((each) => ({ member, held: each }))
    })
    fresh.sort((a, b) => Number(textOf(a.held.delivery.message)) - Number(textOf(b.held.delivery.message)))
    for (const { member, held } of fresh) this.#model.delivered(member, held)
  }
}

const modes: readonly (Mode & { readonly name: string })[] = [
  { name: 'plain', keyed: false, oneAtATime: false },
  { name: 'keyed', keyed: true, oneAtATime: false },
  { name: 'keyed, one at a time', keyed: true, oneAtATime: true },
]

test.each(modes)('a $name group behaves as the model under any sequence of commands', async (mode) => {
  await fc.assert(
    fc.asyncProperty(fc.array(command, { minLength: 1, maxLength: 60 }), async (commands) => {
      const site = await open({
        keyed: mode.keyed,
        capabilities: { blockedKeyHolds: mode.oneAtATime ? 'key' : 'window' },
      })
      const run = new Run(site, mode)
      for (const each of commands) await run.do(each)
      await run.finish()
    }),
    { numRuns: 300 },
  )
})
