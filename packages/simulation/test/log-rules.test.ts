import type { SourcePatch } from '@waybill/source-patch'
import { expect, test } from 'vitest'
import type { LogEvent } from '../src/log-event.ts'
import { LogReviewer } from '../src/log-review.ts'
import { type LogRuleName, logRules } from '../src/log-rules.ts'
import { reviewSimulations } from '../src/simulated-review.ts'

const minute = 60_000
const schedules = { firstSeed: 1, seeds: 150 }

const brokenIn = ({ rules }: Awaited<ReturnType<typeof reviewSimulations>>) =>
  Object.entries(rules).flatMap(([name, { broken }]) => (broken.length > 0 ? [name] : []))

test('the simulated log keeps every rule of a log', { timeout: minute }, async () => {
  const review = await reviewSimulations(schedules)
  expect(Object.values(review.rules).flatMap(({ broken }) => broken)).toEqual([])
  expect(Object.entries(review.rules).filter(([, { tried }]) => tried === 0)).toEqual([])
})

/** Mistakes in the simulated broker, its driver, or the core's part of it. */
const mistakes: readonly (SourcePatch & { readonly mistake: string; readonly breaks: LogRuleName })[] = [
  {
    mistake: 'a shard moves while who had it is still being asked',
    breaks: 'one-holder',
    file: 'packages/simulation/src/broker-lane.ts',
    find: 'this.#broker.world.after(patienceMs, () => {\n      if (',
    replace: 'this.#broker.world.after(20, () => {\n      return this.handedOver(owner)\n      if (',
  },
  {
    mistake: 'a shard is given out in any order',
    breaks: 'in-order',
    file: 'packages/simulation/src/broker-lane.ts',
    find: 'isAnyOrder && random.oneIn(4)',
    replace: 'random.oneIn(4)',
  },
  {
    mistake: 'commits the highest place, whatever is open before it',
    breaks: 'nothing-skipped',
    file: 'packages/core/src/driver/contiguous-prefix-acker.ts',
    find: '    if (slot === this.#first) this.#advance(slot)\n',
    replace: '    this.#onPrefix(slot.position)\n',
  },
  {
    mistake: 'lets go of a shard before it has committed',
    breaks: 'handed-over-exactly',
    file: 'packages/simulation/src/simulated-listener.ts',
    find: '  commit(deliveries: readonly BrokerDelivery[]): void {\n    this.connection.tell(() => {',
    replace: '  commit(deliveries: readonly BrokerDelivery[]): void {\n    this.connection.process.after(200, () => {',
  },
  {
    mistake: 'commits a second late',
    breaks: 'commits-kept',
    file: 'packages/simulation/src/simulated-listener.ts',
    find: '  commit(deliveries: readonly BrokerDelivery[]): void {\n    this.connection.tell(() => {',
    replace:
      '  commit(deliveries: readonly BrokerDelivery[]): void {\n    this.connection.process.after(1_000, () => {',
  },
  {
    mistake: 'takes a shard away without asking for it',
    breaks: 'recalled-first',
    file: 'packages/simulation/src/simulated-listener.ts',
    find: '    assignment.lease.recall()\n',
    replace: '',
  },
  {
    mistake: 'lets go of a shard whatever still runs',
    breaks: 'time-to-finish',
    file: 'packages/simulation/src/simulated-listener.ts',
    find: 'this.connection.process.after(handOverMs, resolve)',
    replace: 'this.connection.process.after(0, resolve)',
  },
  {
    mistake: 'goes on delivering while it drains',
    breaks: 'nothing-after-end',
    file: 'packages/simulation/src/simulated-listener.ts',
    find: 'if (this.#isDraining || this.#isOver)',
    replace: 'if (this.#isOver)',
  },
  {
    mistake: 'delivers one more than it may',
    breaks: 'within-window',
    file: 'packages/simulation/src/simulated-listener.ts',
    find: 'this.#outstanding < this.#maxInFlight',
    replace: 'this.#outstanding <= this.#maxInFlight',
  },
  {
    mistake: 'spreads the messages of a key',
    breaks: 'log-is-fixed',
    file: 'packages/simulation/src/broker-lane.ts',
    find: 'shardOf(message.key ?? String(sequence), this.#shards)',
    replace: 'shardOf(String(sequence), this.#shards)',
  },
  {
    mistake: 'confirms what it does not keep',
    breaks: 'all-delivered',
    file: 'packages/simulation/src/simulated-broker.ts',
    find: '    if (delayMs === undefined) return lane.append(message)\n',
    replace:
      "    if (lane.lane.startsWith('delay.')) return\n    if (delayMs === undefined) return lane.append(message)\n",
  },
]

test.each(mistakes)('$breaks: $mistake', { timeout: minute }, async ({ breaks, ...patch }) => {
  expect(brokenIn(await reviewSimulations({ ...schedules, patches: [patch] }))).toContain(breaks)
})

test('every rule can be broken', () => {
  const broken: readonly string[] = [...mistakes.map(({ breaks }) => breaks), 'release-stops']
  expect(Object.keys(logRules).filter((name) => !broken.includes(name))).toEqual([])
})

/** The core gives nothing back but when it drains, so no simulation can break it. */
test('release-stops: a listener gets more of a shard behind what it gave back', () => {
  const delivered = (delivery: number, place: number) =>
    ({
      kind: 'delivered',
      delivery,
      listener: 1,
      lease: 1,
      shard: 'orders/0',
      place,
      id: `m${place}`,
      key: 'k',
    }) as const
  const happened = [
    { kind: 'connects', connection: 1, member: 'A', role: 'receive' },
    { kind: 'listens', listener: 1, connection: 1, lane: 'orders/billing/main', mostOpen: 10 },
    delivered(1, 0),
    { kind: 'settled', delivery: 1, how: 'release' },
    delivered(2, 1),
    { kind: 'settled', delivery: 2, how: 'accept' },
  ] as const
  const reviewer = new LogReviewer({ graceMs: 0, finishMs: 0 })
  reviewer.look(
    'a trace',
    happened.map((each, atMs): LogEvent => ({ ...each, atMs })),
  )
  expect(reviewer.review.rules['release-stops'].broken).toEqual([
    'a trace: orders/0@1, to listener 1 at 4 ms, comes behind what was given back',
  ])
})
