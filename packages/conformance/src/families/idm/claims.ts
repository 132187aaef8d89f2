import { deepEqual, equal, ok } from 'node:assert/strict'
import type { Behaviour } from '../../behaviour.ts'
import { item, type Item } from '../../item.ts'
import { monotonicMs } from '../../time.ts'
import { group } from '../rdr/dead-messages.ts'
import { expectAttempts, granularityMs, refusesRetries, retries } from '../rty/letters.ts'
import { longestLookMs, untilEmptyWithin } from './looks.ts'
import { busyFor, newStore, withoutRenewal, wrapStore } from './stores.ts'

const retry = { maxAttempts: 2, delaysMs: [50] }

/** Several at one message: who runs it, and when the others look again. */
export const claims: readonly Behaviour[] = [
  {
    id: 'IDM-03',
    needs: { capability: retries },
    async run(kit) {
      const orders = kit.channel([group])
      const runs = kit.record<Item>(group)
      const gate = kit.gate()
      const idempotency = { store: newStore(kit) }
      const messaging = await kit.connect()
      const members = kit.capabilities.membersPerGroup > 1 ? [messaging, await kit.connect()] : [messaging]
      for (const [index, member] of members.entries()) {
        const handler = runs.handler(() => gate.opened, `${index}`)
        await member.consume(orders, { group, concurrency: 16, retry, idempotency }, handler)
      }
      const copies = Array.from({ length: 20 }, () => messaging.send(orders, item(), { id: 'order-1' }))
      await Promise.all(copies)
      await runs.untilRuns(1)
      await kit.quiet('one of twenty runs', {
        forMs: kit.timings.quietMs + longestLookMs,
        watch: () => runs.runs.length,
        async control() {
          await messaging.send(orders, item(), { id: 'order-2' })
          await runs.untilRuns(2)
        },
      })
      gate.open()
      await untilEmptyWithin(kit, orders.name)
      deepEqual(runs.runs.map(({ id }) => id).sort(), ['order-1', 'order-2'])
      deepEqual(await kit.probe.readDeadLetters(orders.name, group), [], 'however often the others looked')
    },
    refusal: refusesRetries,
  },
  {
    id: 'IDM-04',
    needs: { capability: retries },
    async run(kit) {
      const orders = kit.channel([group])
      const messaging = await kit.connect()
      const runs = kit.record<Item>(group)
      let isBusy = true
      let looks = 0
      const store = newStore(kit)
      const elsewhere = wrapStore(store, {
        async claim(request) {
          looks++
          return isBusy ? { outcome: 'busy', retryAfterMs: 60_000 } : store.claim(request)
        },
      })
      await messaging.consume(orders, { group, retry, idempotency: { store: elsewhere } }, runs.handler())
      const { id } = await messaging.send(orders, item())
      const granular = granularityMs(kit.capabilities)
      const lookMs = longestLookMs + granular + kit.timings.toleranceMs
      await kit.eventually('three looks', () => looks >= 3, 3 * lookMs + kit.timings.arriveMs)
      const before = looks
      await kit.sleep(lookMs)
      const more = looks - before
      ok(more >= 1 && more <= 4, `${more} looks in ${lookMs} ms`)
      equal(runs.runs.length, 0, 'it does not run while another holds it')
      isBusy = false
      await runs.untilDone([id], lookMs + kit.timings.arriveMs)
      expectAttempts(kit, runs.attemptsOf(id), [1])
      await untilEmptyWithin(kit, orders.name)
      deepEqual(await kit.probe.readDeadLetters(orders.name, group), [])
    },
    refusal: refusesRetries,
  },
  {
    id: 'IDM-04',
    part: 'looks are no attempts',
    needs: { capability: retries },
    async run(kit) {
      const orders = kit.channel([group])
      const messaging = await kit.connect()
      const runs = kit.record<Item>(group)
      const busy = busyFor(newStore(kit), 3)
      const once = runs.handler(async () => {
        if (runs.runs.length === 1) throw new Error('planted')
      })
      await messaging.consume(orders, { group, retry, idempotency: { store: busy.store } }, once)
      const { id } = await messaging.send(orders, item())
      const lookMs = longestLookMs + granularityMs(kit.capabilities)
      await runs.untilDone([id], 4 * lookMs + kit.timings.arriveMs)
      deepEqual(runs.attemptsOf(id), [1, 2], 'as many attempts as runs')
      await untilEmptyWithin(kit, orders.name)
      deepEqual(await kit.probe.readDeadLetters(orders.name, group), [], 'of two attempts one was left')
    },
    refusal: refusesRetries,
  },
  {
    id: 'IDM-04',
    part: 'without retries',
    async run(kit) {
      const orders = kit.channel([group])
      const messaging = await kit.connect()
      const runs = kit.record<Item>(group)
      const busy = busyFor(newStore(kit), 2)
      const never = { maxAttempts: 1, delaysMs: [] }
      await messaging.consume(orders, { group, retry: never, idempotency: { store: busy.store } }, runs.handler())
      const { id } = await messaging.send(orders, item())
      const lookMs = longestLookMs + granularityMs(kit.capabilities)
      await runs.untilDone([id], 3 * lookMs + kit.timings.arriveMs)
      equal(busy.looks, 3, 'it was looked for again until it was free')
      await untilEmptyWithin(kit, orders.name)
      deepEqual(await kit.probe.readDeadLetters(orders.name, group), [], 'to wait is no failure')
    },
  },
  {
    id: 'IDM-05',
    needs: { faults: ['cut'], capability: retries },
    deadlineMs: 60_000,
    async run(kit) {
      const leaseMs = 1_500 + kit.timings.leaseMs
      const orders = kit.channel([group])
      const link = await kit.link()
      const [dying, heir] = [await kit.connect({ link }), await kit.connect()]
      const runs = kit.record<Item>(group)
      const store = newStore(kit)
      const hang = runs.handler(() => kit.gate().opened, 'dying')
      let claimedAt = 0
      const stale = withoutRenewal(store, leaseMs)
      const dyingStore = wrapStore(stale, {
        claim(request) {
          claimedAt = monotonicMs()
          return stale.claim(request)
        },
      })
      await dying.consume(orders, { group, retry, idempotency: { store: dyingStore } }, hang)
      const { id } = await heir.send(orders, item())
      await runs.untilRuns(1)
      await link.sever()
      await heir.consume(orders, { group, retry, idempotency: { store } }, runs.handler(undefined, 'heir'))
      await runs.untilDone([id], leaseMs + kit.timings.leaseMs + longestLookMs + kit.timings.arriveMs)
      const [, second, ...others] = runs.of(id)
      equal(others.length, 0)
      const afterMs = (second?.startedAt ?? 0) - claimedAt
      const mostMs = leaseMs + longestLookMs + granularityMs(kit.capabilities) + kit.timings.toleranceMs
      ok(afterMs >= leaseMs - 5 && afterMs <= mostMs, `the heir ran it ${afterMs} ms after a claim of ${leaseMs} ms`)
      await untilEmptyWithin(kit, orders.name)
    },
    refusal: refusesRetries,
  },
  {
    id: 'IDM-06',
    needs: { faults: ['cut'], capability: retries },
    deadlineMs: 60_000,
    async run(kit) {
      const orders = kit.channel([group])
      const link = await kit.link()
      const [old, heir] = [await kit.connect({ link }), await kit.connect()]
      const runs = kit.record<Item>(group)
      const gate = kit.gate()
      const heirs = kit.gate()
      const store = newStore(kit)
      const answers: boolean[] = []
      const watched = wrapStore(withoutRenewal(store, 500), {
        async complete(holder) {
          answers.push(await store.complete(holder))
          return answers.at(-1) === true
        },
      })
      const hang = runs.handler(() => gate.opened, 'old')
      await old.consume(orders, { group, retry, idempotency: { store: watched } }, hang)
      const { id } = await heir.send(orders, item())
      await runs.untilRuns(1)
      await link.sever()
      const taken = runs.handler(async () => {
        if (runs.runs.length > 2) return
        await heirs.opened
        throw new Error('planted')
      }, 'heir')
      const patient = { ...retry, maxAttempts: 10 }
      await heir.consume(orders, { group, retry: patient, idempotency: { store } }, taken)
      await runs.untilRuns(2, kit.timings.leaseMs + kit.timings.arriveMs + 2 * longestLookMs)
      gate.open()
      await kit.eventually('the old holder tries to complete', () => answers.length > 0)
      deepEqual(answers, [false])
      heirs.open()
      await kit.eventually('the heir tries again', () => runs.runs[2]?.endedAt !== undefined, longestLookMs * 2 + 5_000)
      deepEqual(
        runs.of(id).map(({ member, outcome }) => [member, outcome]),
        [
          ['old', 'done'],
          ['heir', 'threw'],
          ['heir', 'done'],
        ],
        'what the old holder finished too late counts for nothing',
      )
      await untilEmptyWithin(kit, orders.name)
    },
    refusal: refusesRetries,
  },
  {
    id: 'IDM-06',
    part: 'on a connection that lives',
    needs: { capability: retries },
    async run(kit) {
      const orders = kit.channel([group])
      const messaging = await kit.connect()
      const runs = kit.record<Item>(group)
      const store = newStore(kit)
      const takenOver = wrapStore(store, {
        async complete(holder) {
          if (runs.runs.length > 1) return store.complete(holder)
          await store.release(holder)
          return false
        },
      })
      await messaging.consume(orders, { group, retry, idempotency: { store: takenOver } }, runs.handler())
      const { id } = await messaging.send(orders, item())
      await runs.untilRuns(2, longestLookMs + granularityMs(kit.capabilities) + kit.timings.arriveMs)
      await untilEmptyWithin(kit, orders.name)
      // Not accepted on the word of a holder that lost its claim, and no attempt is spent on that.
      expectAttempts(kit, runs.attemptsOf(id), [1, 1])
    },
    refusal: refusesRetries,
  },
]
