import type { Middleware } from '@waybill/core'
import { AuditGroup } from './audit-group.ts'
import { reachedBeforeStall, unlessAborted } from './deadline.ts'
import { type Counts, type CountsByGroup, expectedCounts } from './expected-counts.ts'
import { Fleet } from './fleet.ts'
import type { Group } from './group.ts'
import { IndexGroup } from './index-group.ts'
import { chatFailures, NotifyGroup } from './notify-group.ts'
import { Operator, type WebhookLetter } from './operator.ts'
import type { Report } from './report.ts'
import { Run } from './run.ts'
import { planShipments, type Shipment } from './shipment.ts'
import { type Lap, Stopwatch } from './stopwatch.ts'
import type { GroupName } from './webhook-channel.ts'
import { webhookExamples } from './webhook-examples.ts'

export interface PipelineOptions {
  /** Any URL that `connect` takes. */
  readonly url: string
  readonly messages: number
  /** Around every handler: for tests that plant a fault. */
  readonly middleware?: readonly Middleware[]
  /** How long one step may take: connecting, listing, closing. */
  readonly stepMs?: number
  /** How long nothing at all may happen while messages are awaited. */
  readonly stallMs?: number
  /** Ends the run before its time: instances finish what they run and give the rest back. */
  readonly signal?: AbortSignal
}

export interface PipelineResult {
  readonly counts: CountsByGroup
  readonly expected: CountsByGroup
  /** What is wrong beyond the counts. */
  readonly problems: readonly string[]
  readonly laps: readonly Lap[]
}

/**
 * Sends the webhooks, lets three groups handle them, and counts. Rejects when a step fails or the signal aborts, with all
 * closed in order; messages that never come are no rejection but a result.
 */
export async function runPipeline(options: PipelineOptions, report: Report): Promise<PipelineResult> {
  const { url, messages, middleware = [], stepMs = 30_000, stallMs = 15_000, signal } = options
  const examples = webhookExamples()
  const run = new Run()
  const shipments = planShipments(examples, messages, run.id)
  await using operator = await Operator.connect({ url, run, stepMs, signal })
  report.input(url, examples, shipments)
  await using fleet = new Fleet({ url, run, middleware, signal, onFault: (text) => report.fault(text) }, stepMs)
  const pipeline = new Pipeline({ shipments, operator, fleet, report, stallMs, signal })
  return await unlessAborted(pipeline.run(), signal)
}

interface PipelineParts {
  readonly shipments: readonly Shipment[]
  readonly operator: Operator
  readonly fleet: Fleet
  readonly report: Report
  readonly stallMs: number
  readonly signal: AbortSignal | undefined
}

class Pipeline {
  readonly #parts: PipelineParts
  readonly #audit = new AuditGroup()
  readonly #notify: NotifyGroup
  readonly #index = new IndexGroup()
  readonly #groups: readonly Group[]
  readonly #watch = new Stopwatch()
  readonly #problems: string[] = []
  readonly #deadLettered = new Map<GroupName, number>()
  #rejected: readonly WebhookLetter[] = []
  #redriven = 0

  constructor(parts: PipelineParts) {
    this.#parts = parts
    this.#notify = new NotifyGroup(new Map(parts.shipments.map(({ id, number }) => [id, chatFailures(number)])))
    this.#groups = [this.#audit, this.#notify, this.#index]
  }

  async run(): Promise<PipelineResult> {
    await this.#start()
    await this.#stream()
    await this.#lookAtDeadLetters()
    await this.#fixAndRedrive()
    await this.#finish()
    return this.#result()
  }

  async #start(): Promise<void> {
    const { operator, fleet, report } = this.#parts
    for (const { name } of this.#groups) report.leftovers(name, await operator.removeLeftovers(name))
    await fleet.start(this.#groups)
    report.started(this.#groups, this.#watch.lap('start'))
  }

  async #stream(): Promise<void> {
    const { shipments, operator, report } = this.#parts
    report.waiting()
    const sending = operator.send(shipments).then(() => report.confirmed(shipments.length))
    await Promise.all([sending, this.#settled(this.#groups, shipments.length), this.#replaceInTheMiddle()])
    const deliveries = this.#groups.reduce((sum, { tally }) => sum + tally.settled, 0)
    report.streamed(this.#watch.lap('stream', deliveries))
  }

  async #lookAtDeadLetters(): Promise<void> {
    const { operator, report } = this.#parts
    for (const { name } of this.#groups) {
      const letters = await operator.deadLetters(name)
      this.#deadLettered.set(name, letters.length)
      if (name === 'index') this.#rejected = letters
    }
    report.deadLetters('index', this.#rejected.length)
    const [first] = this.#rejected
    if (first !== undefined) await this.#show(first.message.id)
    const odd = this.#rejected.filter(({ failure }) => failure?.type !== 'MappingError' || failure.attempts !== 1)
    if (odd.length > 0) this.#problems.push(`${odd.length} dead letters have no proper failure record`)
    this.#watch.lap('look at dead letters')
  }

  async #fixAndRedrive(): Promise<void> {
    const { operator, report } = this.#parts
    this.#index.deployMapping(2)
    this.#index.tally.expectOutOfTurn(this.#rejected.map(({ message }) => message.id))
    const before = this.#index.tally.settled
    report.waiting()
    this.#redriven = await operator.redrive('index')
    await this.#settled([this.#index], before + this.#redriven)
    report.redriven('index', this.#redriven, this.#watch.lap('redrive', this.#redriven))
  }

  /** Gives what should not come its time to come, then looks at what is left. */
  async #finish(): Promise<void> {
    const { operator, fleet, shipments } = this.#parts
    await fleet.caughtUp()
    await fleet.close()
    for (const { name } of this.#groups) {
      const left = await operator.deadLetters(name)
      if (left.length > 0) this.#problems.push(`${name}: ${left.length} dead letters are left`)
    }
    for (const key of this.#audit.differences(shipments)) {
      this.#problems.push(`audit: the trail of ${key} is not what was sent`)
    }
    this.#watch.lap('close')
  }

  #result(): PipelineResult {
    const counts = {
      audit: this.#counts(this.#audit, ({ sequence }) => String(sequence)),
      notify: this.#counts(this.#notify, ({ sequence }) => String(sequence)),
      index: this.#counts(this.#index, ({ id }) => id),
    }
    const expected = expectedCounts(this.#parts.shipments)
    return { counts, expected, problems: this.#problems, laps: this.#watch.laps }
  }

  async #show(id: string): Promise<void> {
    const letter = await this.#parts.operator.deadLetter('index', id)
    if (letter === undefined) this.#problems.push(`the dead letter ${id} is listed and not found`)
    else this.#parts.report.deadLetter(letter, await letter.decode())
  }

  /** One instance leaves when half of its group's work is done, and another one joins. */
  async #replaceInTheMiddle(): Promise<void> {
    const { fleet, report, shipments, stallMs } = this.#parts
    const { tally } = this.#notify
    const half = Math.floor(shipments.length / 2)
    await reachedBeforeStall(
      () => tally.settled >= half,
      () => this.#activity(),
      stallMs,
    )
    report.replaced(await fleet.replaceOne(this.#notify), tally.settled, shipments.length)
  }

  async #settled(groups: readonly Group[], target: number): Promise<void> {
    const { report, stallMs } = this.#parts
    const reached = (): boolean => {
      report.progress(groups, target)
      return groups.every(({ tally }) => tally.settled >= target)
    }
    if (await reachedBeforeStall(reached, () => this.#activity(), stallMs)) return
    const short = groups.filter(({ tally }) => tally.settled < target)
    const state = short.map(({ name, tally }) => `${name} at ${tally.settled} of ${target}`).join(', ')
    this.#problems.push(`gave up waiting after ${stallMs / 1000} s in which nothing happened: ${state}`)
  }

  /** Changes as long as anything happens. Throws once interrupted: nothing will. */
  #activity(): number {
    this.#parts.signal?.throwIfAborted()
    return this.#groups.reduce((sum, { tally }) => sum + tally.settled + tally.retried, 0)
  }

  #counts(group: Group, effectOf: (shipment: Shipment) => string): Counts {
    const { handled, retried, suppressed, doubleEffects, orderViolations } = group.tally
    return {
      sent: this.#parts.shipments.length,
      handled,
      retried,
      suppressed,
      deadLettered: this.#deadLettered.get(group.name) ?? 0,
      redriven: group === this.#index ? this.#redriven : 0,
      doubleEffects,
      orderViolations,
      lost: group.tally.missing(this.#parts.shipments.map(effectOf)),
    }
  }
}
