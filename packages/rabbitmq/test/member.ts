import type { Delivery, Settlement, Topology } from '@waybill/core/driver'
import { sleep } from '@waybill/conformance'
import { type Opened } from '@waybill/conformance/bench'
import { type Bench } from './rabbitmq-bench.ts'

interface Job {
  readonly delivery: Delivery
  readonly key: string
  readonly number: number
  readonly settle: (settlement: Settlement) => void
  state: 'waiting' | 'running' | 'over'
}

/** Everything that members of a group did, in order: keys, and the numbers of the messages that were started. */
export interface Diary {
  readonly started: { readonly key: string; readonly number: number }[]
  readonly finished: Set<number>
}

/** A member of a group in order that works as the core does: of each key one at a time, and back with what did not start. */
export class Member {
  readonly #bench: Bench
  readonly #topology: Topology
  readonly #diary: Diary
  readonly #jobs = new Map<string, Job[]>()
  #opened: Opened | undefined
  #drain: (() => Promise<void>) | undefined

  constructor(bench: Bench, topology: Topology, diary: Diary) {
    this.#bench = bench
    this.#topology = topology
    this.#diary = diary
  }

  async join(maxInFlight: number): Promise<void> {
    this.#opened ??= await this.#bench.open('receive', this.#topology)
    const source = { channel: this.#topology.channels[0]!.name, group: 'group' }
    const mine: Job[] = []
    const listener = await this.#opened.connection.listen({ source, order: 'key', maxInFlight }, (delivery) => {
      return new Promise((resolve) => mine.push(this.#admit(delivery, resolve)))
    })
    this.#drain = async () => {
      const drained = listener.drain()
      for (const job of mine) this.#giveBack(job)
      await drained
    }
  }

  /** Gives back what did not start, and resolves when the rest has ended. */
  async leave(): Promise<void> {
    const drain = this.#drain
    this.#drain = undefined
    await drain?.()
  }

  /** The process dies: nothing is settled any more, what runs is cut off. */
  die(): void {
    this.#opened?.abort(new Error('killed'))
    this.#opened = undefined
    this.#drain = undefined
    for (const jobs of this.#jobs.values()) for (const job of jobs) job.state = 'over'
    this.#jobs.clear()
  }

  #admit(delivery: Delivery, settle: Job['settle']): Job {
    const { key = '', body } = delivery.message
    const job: Job = { delivery, key, number: Number(Buffer.from(body ?? []).toString()), settle, state: 'waiting' }
    const jobs = this.#jobs.get(key) ?? []
    this.#jobs.set(key, jobs)
    jobs.push(job)
    if (jobs.length === 1) void this.#run(job)
    return job
  }

  async #run(job: Job): Promise<void> {
    job.state = 'running'
    this.#diary.started.push({ key: job.key, number: job.number })
    await sleep(1)
    if (job.state !== 'running') return
    if (job.delivery.lease.state === 'held') this.#diary.finished.add(job.number)
    job.settle({ kind: 'accept' })
    this.#end(job)
  }

  #giveBack(job: Job): void {
    if (job.state !== 'waiting') return
    job.settle({ kind: 'release' })
    this.#end(job)
  }

  #end(job: Job): void {
    job.state = 'over'
    const jobs = this.#jobs.get(job.key) ?? []
    const wasFirst = jobs[0] === job
    jobs.splice(jobs.indexOf(job), 1)
    if (wasFirst && jobs[0] !== undefined) void this.#run(jobs[0])
  }
}
