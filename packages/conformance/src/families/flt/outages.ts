import { deepEqual, equal, ok } from 'node:assert/strict'
import type { MessagingEvent } from '@waybill/core'
import type { Behaviour } from '../../behaviour.ts'
import { items, sendItems } from '../../item.ts'
import { monotonicMs } from '../../time.ts'
import { wrapDriver } from '../../wrapped-driver.ts'
import { group, underLoad } from './load.ts'
import { refusesRetries, retries } from '../rty/letters.ts'
import { expectOneMember, severalMembers } from '../top/members.ts'

/** The whole broker, or all ways to it, gone for a while. */
export const outages: readonly Behaviour[] = [
  {
    id: 'FLT-01',
    tags: ['long'],
    needs: { capability: retries, faults: ['restart'] },
    deadlineMs: 120_000,
    async run(kit) {
      const count = kit.size('messages', { reduced: 1_000, full: 20_000 })
      await underLoad(kit, { count }, async (load) => {
        for (let restart = 0; restart < 2; restart++) {
          await load.progress(100)
          await kit.faults.restart()
        }
        await load.progress(100)
      })
    },
    refusal: refusesRetries,
  },
  {
    id: 'FLT-02',
    tags: ['long'],
    needs: { faults: ['kill'] },
    deadlineMs: 90_000,
    async run(kit) {
      const count = kit.size('messages', { reduced: 1_000, full: 20_000 })
      const kills = kit.size('kills', { reduced: 1, full: 5 })
      await underLoad(kit, { count }, async (load) => {
        for (let kill = 0; kill < kills; kill++) {
          await load.progress(100)
          await kit.faults.kill()
        }
        await load.progress(100)
      })
    },
  },
  {
    id: 'FLT-03',
    tags: ['long'],
    needs: { capability: retries, faults: ['cut'] },
    deadlineMs: 90_000,
    async run(kit) {
      const resets = kit.size('resets', { reduced: 20, full: 200 })
      const link = await kit.link()
      const connectionsBefore = await kit.probe.connections()
      const events: MessagingEvent[] = []
      const connect = { link, onEvent: (event: MessagingEvent) => void events.push(event) }
      await underLoad(kit, { count: 1_000, connect }, async (load) => {
        for (let reset = 0; reset < resets; reset++) {
          await load.progress(10)
          await link.cut()
        }
        await load.progress(10)
      })
      const disconnects = events.filter(({ type }) => type === 'disconnected').length
      ok(disconnects >= 1 && disconnects <= resets * 2, `${disconnects} connections lost by ${resets} resets`)
      if (connectionsBefore === undefined) return
      const onlyOurs = async (): Promise<boolean> => ((await kit.probe.connections()) ?? 0) <= connectionsBefore + 2
      await kit.eventually('one connection per role in the end', onlyOurs, kit.timings.recoverMs)
    },
    refusal: refusesRetries,
  },
  {
    id: 'FLT-04',
    tags: ['long'],
    needs: { faults: ['blackhole'] },
    deadlineMs: 60_000,
    async run(kit) {
      const { heartbeatMs, toleranceMs, recoverMs } = kit.timings
      const silentS = kit.size('seconds of silence', { reduced: 6, full: 30 })
      const link = await kit.link()
      const orders = kit.channel([group])
      const lost = new Map<string, number>()
      const messaging = await kit.connect({
        link,
        wrap: (driver) =>
          wrapDriver(driver, {
            connect: (context) =>
              driver.connect({
                ...context,
                report(event) {
                  if (event.kind === 'lost' && !lost.has(context.role)) lost.set(context.role, monotonicMs())
                  context.report(event)
                },
              }),
          }),
      })
      const runs = kit.record(group)
      await messaging.consume(orders, { group }, runs.handler())
      const before = await sendItems(messaging, orders, items(10))
      await runs.untilDone(before)
      const silentFrom = monotonicMs()
      await link.blackhole()
      let resolved = 0
      const sends = items(10).map(async (each) => {
        const { id } = await messaging.send(orders, each, { timeoutMs: 120_000 })
        resolved++
        return id
      })
      await kit.eventually('both roles are told', () => lost.size === 2, 2 * heartbeatMs + toleranceMs)
      for (const [role, at] of lost) {
        const afterMs = Math.round(at - silentFrom)
        ok(afterMs >= heartbeatMs / 4, `${role}: noticed after ${afterMs} ms, before silence can be told from a pause`)
        ok(afterMs <= 2 * heartbeatMs + toleranceMs, `${role}: noticed after ${afterMs} ms`)
      }
      equal(messaging.health().status, 'down')
      await kit.sleep(silentS * 1_000 - (monotonicMs() - silentFrom))
      equal(resolved, 0, 'sends that resolved in the silence')
      await link.restore()
      const ids = await kit.within('the sends after it', Promise.all(sends), recoverMs + 30_000)
      await runs.untilDone(ids, recoverMs)
      runs.expectAll([...before, ...ids])
    },
  },
  {
    id: 'FLT-11',
    needs: { capability: severalMembers, faults: ['cut'] },
    async run(kit) {
      const link = await kit.link()
      const orders = kit.channel([group])
      const sender = await kit.connect()
      await sender.producer(orders)
      const messaging = await kit.connect({ link })
      const runs = kit.record(group)
      await link.sever()
      await kit.eventually('the outage is noticed', () => messaging.health().status === 'down')
      let outcome = 'pending'
      const abandoned = new AbortController()
      const consuming = messaging.consume(orders, { group }, runs.handler(undefined, 'patient'))
      const other = messaging.consume(orders, { group, signal: abandoned.signal }, runs.handler(undefined, 'abandoned'))
      const givenUp = kit.expectRejection(['aborted', 'closed'], other)
      void consuming.then(
        () => (outcome = 'resolved'),
        () => (outcome = 'rejected'),
      )
      const ids = await sendItems(sender, orders, items(20))
      await kit.sleep(300)
      equal(outcome, 'pending', 'a consumer that starts in an outage waits')
      abandoned.abort()
      await givenUp
      await link.restore()
      await kit.within('the consumer starts', consuming, kit.timings.recoverMs)
      const later = await sendItems(sender, orders, items(20))
      await runs.untilDone([...ids, ...later])
      runs.expectOnce([...ids, ...later])
      deepEqual([...new Set(runs.runs.map(({ member }) => member))], ['patient'])
    },
    refusal: expectOneMember,
  },
  {
    id: 'FLT-13',
    tags: ['long'],
    needs: { capability: retries, faults: ['closeConnections'] },
    deadlineMs: 60_000,
    async run(kit) {
      const times = kit.size('times', { reduced: 3, full: 30 })
      const events: MessagingEvent[] = []
      let connects = 0
      const connect = {
        onEvent: (event: MessagingEvent) => void events.push(event),
        wrap: (driver: Parameters<typeof wrapDriver>[0]) =>
          wrapDriver(driver, {
            connect: (context) => {
              connects++
              return driver.connect(context)
            },
          }),
      }
      await underLoad(kit, { count: 300, connect }, async (load) => {
        for (let time = 0; time < times; time++) {
          await load.progress(20)
          await kit.faults.closeConnections()
        }
        await load.progress(20)
      })
      const told = events.filter(({ type }) => type === 'connected' || type === 'disconnected').map(({ type }) => type)
      ok(told.includes('disconnected'), 'it was told')
      equal(told.at(-1), 'connected')
      ok(connects <= 2 + times * 6, `${connects} connections made in ${times} times: that is a spin`)
      kit.log.note(`${connects} connections, ${told.length} events`)
    },
    refusal: refusesRetries,
  },
]
