import { deepEqual, equal, ok } from 'node:assert/strict'
import type { Behaviour } from '../../behaviour.ts'
import { item, type Item } from '../../item.ts'
import { group } from '../rdr/dead-messages.ts'
import { expectAttempts, granularityMs, refusesRetries, retries } from '../rty/letters.ts'
import { longestLookMs, untilEmptyWithin } from './looks.ts'
import { newStore, withoutRenewal, wrapStore } from './stores.ts'

const retry = { maxAttempts: 2, delaysMs: [50] }

/** A store that is down: before a run, and after it. */
export const failingStores: readonly Behaviour[] = [
  {
    id: 'IDM-07',
    needs: { capability: retries },
    async run(kit) {
      const orders = kit.channel([group])
      const faults: string[] = []
      const messaging = await kit.connect({
        onEvent: ({ type, error }) => void (type === 'fault' && faults.push(error?.message ?? '')),
      })
      const runs = kit.record<Item>(group)
      const store = newStore(kit)
      let isDown = true
      let calls = 0
      const failing = wrapStore(store, {
        async claim(request) {
          calls++
          if (isDown) throw new Error('the store is down')
          return store.claim(request)
        },
      })
      await messaging.consume(orders, { group, retry, idempotency: { store: failing } }, runs.handler())
      const { id } = await messaging.send(orders, item())
      await kit.eventually(
        'several tries',
        () => calls >= 5,
        kit.timings.arriveMs + 5 * granularityMs(kit.capabilities),
      )
      const before = calls
      await kit.sleep(1_000)
      ok(calls - before <= 25, `${calls - before} tries in a second: a hot loop`)
      equal(runs.runs.length, 0, 'it fails closed')
      ok(
        faults.some((text) => text.includes('the store is down')),
        `it is told: ${faults[0]}`,
      )
      isDown = false
      await runs.untilDone([id])
      expectAttempts(kit, runs.attemptsOf(id), [1])
      await untilEmptyWithin(kit, orders.name)
      deepEqual(await kit.probe.readDeadLetters(orders.name, group), [])
    },
    refusal: refusesRetries,
  },
  {
    id: 'IDM-07',
    part: 'after the handler',
    needs: { capability: retries },
    async run(kit) {
      const orders = kit.channel([group])
      const messaging = await kit.connect()
      const runs = kit.record<Item>(group)
      const store = newStore(kit)
      const failing = wrapStore(withoutRenewal(store, 1_500), {
        async complete(holder) {
          if (runs.runs.length === 1) throw new Error('the store is down')
          return store.complete(holder)
        },
        async release(holder) {
          if (runs.runs.length === 1) throw new Error('the store is down')
          return store.release(holder)
        },
      })
      await messaging.consume(orders, { group, retry, idempotency: { store: failing } }, runs.handler())
      const { id } = await messaging.send(orders, item())
      await runs.untilRuns(2, 1_500 + longestLookMs + granularityMs(kit.capabilities) + kit.timings.arriveMs)
      await untilEmptyWithin(kit, orders.name)
      equal(runs.of(id).length, 2, 'what is not known to be handled is not accepted')
      const control = await messaging.deadLetters(orders, group).get(id)
      equal(control, undefined)
    },
    refusal: refusesRetries,
  },
]
