import { equal } from 'node:assert/strict'
import { memoryIdempotencyStore } from '@waybill/core'
import { type Child, startChild } from '../../child-process.ts'
import type { Item } from '../../item.ts'
import type { Kit } from '../../kit.ts'
import type { Work } from '../../programs/worker.ts'
import { type Call, type ServedStore, serveStore } from '../../served-store.ts'
import { withShortLeases } from '../idm/stores.ts'
import { EffectBook } from './effect-book.ts'
import { group, type Load } from './load.ts'

/** Of each member. */
export const concurrency = 8
const workMs = 5
/** What a killed member had claimed is free again this long after. */
export const longestLeaseMs = 4_000
/** These fail on their first run. */
const failsFirst = ({ n }: Item): boolean => n % 20 === 7

/**
 * Members of one group in processes of their own, which share the keyed work of a load. What they do stands in the book,
 * and in the ledger of the load once it is done.
 */
export class Crew {
  readonly book = new EffectBook()
  /** By key, the numbers of the items in the order in which their effects were done. */
  readonly numbers = new Map<string, number[]>()
  readonly counts = { joined: 0, left: 0, killed: 0 }
  readonly #kit: Kit
  readonly #load: Load
  readonly #retentionMs: number
  readonly #members: { readonly name: string; readonly child: Child }[] = []
  readonly #failed = new Set<string>()
  #served: ServedStore | undefined
  #named = 0

  private constructor(kit: Kit, load: Load) {
    this.#kit = kit
    this.#load = load
    this.#retentionMs = Math.max(kit.capabilities.redeliveryHorizonMs, 600_000)
  }

  /** With as many members as there are before the first change. */
  static async open(kit: Kit, load: Load): Promise<Crew> {
    const crew = new Crew(kit, load)
    const lasting = memoryIdempotencyStore({ retentionMs: crew.#retentionMs })
    const answer = async (call: Call): Promise<unknown> => crew.#answer(call)
    const served = await serveStore({ store: withShortLeases(lasting, longestLeaseMs), answer })
    crew.#served = served
    kit.defer(() => served.close())
    for (let first = crew.#isShared ? 2 : 1; first > 0; first--) await crew.#start()
    return crew
  }

  /** One more joins, or the oldest leaves in good order or is killed, in turns. */
  async change(index: number): Promise<void> {
    const turns = this.#isShared
      ? (['join', 'join', 'leave', 'kill'] as const)
      : (['leave', 'join', 'kill', 'join'] as const)
    switch (turns[index % turns.length]) {
      case 'join':
        await this.#start()
        this.counts.joined++
        return
      case 'leave':
        await this.#leave()
        this.counts.left++
        return
      default:
        await this.#kill()
        this.counts.killed++
    }
  }

  /** All leave, in good order. */
  async dismiss(): Promise<void> {
    while (this.#members.length > 0) await this.#leave()
  }

  get #isShared(): boolean {
    return this.#kit.capabilities.membersPerGroup >= 4
  }

  async #start(): Promise<void> {
    const { harness, timings } = this.#kit
    const name = `member-${++this.#named}`
    const child = startChild(this.#kit, 'worker', {
      url: harness.url,
      channel: this.#load.channel.name,
      group,
      ordering: 'key',
      concurrency,
      store: this.#served?.url,
      retentionMs: this.#retentionMs,
      name,
    })
    this.#members.push({ name, child })
    const isReady = (): boolean => child.lines.includes('ready')
    await this.#kit.eventually(`${name} has joined`, isReady, timings.recoverMs + timings.arriveMs)
  }

  async #leave(): Promise<void> {
    const member = this.#members.shift()
    if (member === undefined) return
    const { name, child } = member
    child.signal('SIGTERM')
    const { code } = await this.#kit.within(`${name} leaves`, child.exited, 15_000)
    equal(code, 0, child.complaints)
  }

  async #kill(): Promise<void> {
    const member = this.#members.shift()
    if (member === undefined) return
    this.book.died(member.name)
    member.child.signal('SIGKILL')
    await this.#kit.within(`${member.name} dies`, member.child.exited)
  }

  #answer({ name, caller, body }: Call): Work | boolean {
    const each = body as Item & { readonly id: string }
    const run = { id: each.id, worker: caller }
    return name === 'work' ? this.#begin(run, each) : this.#commit(run, each)
  }

  #begin(run: { id: string; worker: string }, each: Item): Work {
    this.book.begin(run, each.key)
    const fails = failsFirst(each) && !this.#failed.has(run.id)
    if (fails) {
      this.#failed.add(run.id)
      this.book.fail(run, each.key)
    }
    return { forMs: workMs, fails }
  }

  #commit(run: { id: string; worker: string }, { key, n }: Item): boolean {
    const isFirst = this.book.commit(run, key)
    if (!isFirst) return false
    this.#load.ledger.handled(run.id)
    this.numbers.set(key, [...(this.numbers.get(key) ?? []), n])
    return true
  }
}
