import { deepEqual, equal, ok } from 'node:assert/strict'
import { MessagingError } from '@waybill/core'
import type { Behaviour } from '../../behaviour.ts'
import { items, sendItems, type Item } from '../../item.ts'
import { monotonicMs } from '../../time.ts'

const group = 'billing'
const once = { maxAttempts: 1, delaysMs: [] }

/** What becomes of the messages that a closing consumer has. */
export const draining: readonly Behaviour[] = [
  {
    id: 'LIF-04',
    async run(kit) {
      const orders = kit.channel([group])
      const [leaving, staying, sender] = [await kit.connect(), await kit.connect(), await kit.connect()]
      const gate = kit.gate()
      const inFlight = kit.record('leaving')
      const consumer = await leaving.consume(
        orders,
        { group, concurrency: 4 },
        inFlight.handler(() => gate.opened),
      )
      const ids = await sendItems(sender, orders, items(20))
      await inFlight.untilRuns(4)
      const closing = consumer.close()
      const rest = kit.record('staying')
      await staying.consume(orders, { group }, rest.handler())
      // Who settles by prefix cannot hand over the rest of a log before what is in flight has ended.
      if (kit.capabilities.settlement === 'individual') await rest.untilRuns(16)
      else await kit.sleep(kit.timings.quietMs)
      equal(inFlight.done.length, 0, 'close waits')
      gate.open()
      await kit.within('close', closing)
      equal(inFlight.done.length, 4, 'what was in flight was finished')
      await rest.untilRuns(16)
      deepEqual(
        [...inFlight.runs, ...rest.runs].map(({ id }) => id).sort(),
        [...ids].sort(),
        'each once, by one of them',
      )
      ok(
        rest.runs.every(({ attempt }) => attempt === 1),
        `${rest}`,
      )
      await leaving.close()
      await kit.quiet('what was finished does not come back', {
        watch: () => rest.runs.length,
        control: async () => {
          await sendItems(sender, orders, items(1))
          await rest.untilRuns(17)
        },
      })
    },
  },
  {
    id: 'LIF-04',
    part: 'keyed',
    needs: { capability: { name: 'order', declared: ({ order }) => order !== 'none' } },
    async run(kit) {
      const orders = kit.channel([group], { ordering: 'key' })
      const [leaving, staying, sender] = [await kit.connect(), await kit.connect(), await kit.connect()]
      const gate = kit.gate()
      const first = kit.record<Item>('leaving')
      const consumer = await leaving.consume(
        orders,
        { group, concurrency: 2 },
        first.handler(() => gate.opened),
      )
      const ids = await sendItems(sender, orders, items(30, { keys: 2 }))
      await first.untilRuns(2)
      const closing = consumer.close()
      gate.open()
      await kit.within('close', closing)
      if (kit.capabilities.drainKeyed === 'release')
        equal(first.runs.length, 2, `what never started was released\n${first}`)
      const then = kit.record<Item>('staying')
      await staying.consume(orders, { group }, then.handler())
      await then.untilRuns(30 - first.done.length)
      const runs = [...first.runs, ...then.runs]
      deepEqual(runs.map(({ id }) => id).sort(), [...ids].sort(), 'each once, by one of them')
      ok(
        runs.every(({ attempt }) => attempt === 1),
        'a release counts no attempt',
      )
      for (const key of ['k0', 'k1']) {
        const order = runs.flatMap(({ data }) => (data.key === key ? [data.n] : []))
        deepEqual(
          order,
          [...order].sort((a, b) => a - b),
          `the order of ${key}, over both`,
        )
      }
    },
    async refusal(kit) {
      const messaging = await kit.connect()
      const consuming = messaging.consume(kit.channel([group], { ordering: 'key' }), { group }, async () => {})
      await kit.expectUnsupported(consuming)
    },
  },
  {
    id: 'LIF-04',
    part: 'behind a held retry',
    needs: { capability: { name: 'order', declared: ({ order }) => order !== 'none' } },
    async run(kit) {
      const orders = kit.channel([group], { ordering: 'key' })
      const [leaving, staying, sender] = [await kit.connect(), await kit.connect(), await kit.connect()]
      const first = kit.record<Item>('leaving')
      const retry = { maxAttempts: 3, delaysMs: [1_000] }
      const consumer = await leaving.consume(
        orders,
        { group, retry },
        first.handler(async ({ n }, { attempt }) => {
          if (n === 0 && attempt === 1) throw new Error('planted')
        }),
      )
      const ids = await sendItems(sender, orders, items(40, { keys: 20 }))
      const others = ids.filter((_, n) => n % 20 !== 0)
      await first.untilDone(others)
      await kit.within('close', consumer.close({ drainMs: 10_000 }), 10_000)
      const then = kit.record<Item>('staying')
      await staying.consume(orders, { group }, then.handler())
      const [last = ''] = await sendItems(sender, orders, items(1))
      await then.untilDone([last, ...ids.filter((id) => !others.includes(id) && first.of(id).length === 0)])
      const done = [...first.done, ...then.done]
      deepEqual(done.map(({ id }) => id).sort(), [...ids, last].sort(), 'each handled once, by one of them')
      deepEqual(
        done.flatMap(({ data, id }) => (data.key === 'k0' ? [id] : [])),
        [ids[0], ids[20], last],
        'the order of the key whose first message failed, over both',
      )
    },
    async refusal(kit) {
      const messaging = await kit.connect()
      const consuming = messaging.consume(kit.channel([group], { ordering: 'key' }), { group }, async () => {})
      await kit.expectUnsupported(consuming)
    },
  },
  {
    id: 'LIF-05',
    async run(kit) {
      const orders = kit.channel([group])
      const [leaving, staying] = [await kit.connect(), await kit.connect()]
      const reasons: unknown[] = []
      const abortedAt: number[] = []
      const gate = kit.gate()
      const cut = kit.record<Item>('leaving')
      const handler = cut.handler(async ({ n }, { signal }) => {
        await new Promise<void>((resolve) => {
          signal.addEventListener('abort', () => resolve(), { once: true })
          void gate.opened.then(resolve)
        })
        reasons.push(signal.reason)
        abortedAt.push(monotonicMs())
        if (n % 2 === 0) throw new Error('stopped in the middle')
        await gate.opened
      })
      await leaving.consume(orders, { group, concurrency: 4, retry: once }, handler)
      const ids = await sendItems(leaving, orders, items(4))
      await cut.untilRuns(4)
      const startedAt = monotonicMs()
      await kit.within('close', leaving.close({ drainMs: 800 }), 800 + kit.timings.toleranceMs)
      ok(
        reasons.every((reason) => MessagingError.is(reason) && reason.code === 'closed'),
        `the reasons: ${reasons.join()}`,
      )
      equal(reasons.length, 4, 'signals that aborted')
      const afterMs = Math.min(...abortedAt) - startedAt
      ok(afterMs >= 500, `the handlers had ${afterMs} ms of 800 ms before their signals aborted`)
      deepEqual(await kit.probe.readDeadLetters(orders.name, group), [], 'dead letters')
      const again = kit.record('staying')
      await staying.consume(orders, { group, retry: once }, again.handler())
      await again.untilDone(ids, kit.timings.arriveMs + kit.timings.leaseMs)
      if (kit.capabilities.retryInPlace === undefined) {
        ok(
          again.runs.every(({ attempt }) => attempt === 1),
          `an aborted run counts no attempt\n${again}`,
        )
      }
      again.expectOnce(ids)
    },
  },
  {
    id: 'LIF-11',
    async run(kit) {
      const orders = kit.channel([group])
      const [leaving, staying] = [await kit.connect(), await kit.connect()]
      const runs = kit.record(group)
      const late: string[] = []
      let isClosed = false
      const handler = (member: string): ReturnType<typeof runs.handler> =>
        runs.handler(async (_, { message }) => {
          if (isClosed && member === 'leaving') late.push(message.id)
          await kit.sleep(5)
        }, member)
      const consumer = await leaving.consume(orders, { group, concurrency: 8 }, handler('leaving'))
      const ids = await sendItems(staying, orders, items(300))
      await runs.untilRuns(40)
      await kit.within('close', consumer.close())
      isClosed = true
      ok(
        runs.runs.every(({ endedAt }) => endedAt !== undefined),
        `a handler runs on after close\n${runs}`,
      )
      await kit.quiet('no handler starts after close resolved', {
        watch: () => runs.runs.length,
        control: async () => {
          await staying.consume(orders, { group }, handler('staying'))
          await runs.untilDone(ids)
        },
      })
      deepEqual(late, [], 'messages that the closed consumer handled')
      runs.expectOnce(ids)
    },
  },
]
