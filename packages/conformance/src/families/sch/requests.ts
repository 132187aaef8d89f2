import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { channel, type Channel, type MessagingEvent } from '@waybill/core'
import type { Behaviour, CapabilityNeed } from '../../behaviour.ts'
import { item, itemSchema, type Item } from '../../item.ts'
import type { Kit } from '../../kit.ts'
import { monotonicMs } from '../../time.ts'

const group = 'pricing'
const replies: CapabilityNeed = { name: 'temporary', declared: ({ temporary }) => temporary !== 'none' }

/** Request and reply. */
export const requests: readonly Behaviour[] = [
  {
    id: 'SCH-05',
    needs: { capability: replies },
    async run(kit) {
      const prices = requestChannel(kit)
      const [server, one, two] = [await kit.connect(), await kit.connect(), await kit.connect()]
      await server.consume(prices, { group, concurrency: 32 }, async ({ n, key }) => {
        await kit.sleep((n * 7) % 40)
        return item(n * 2, { key })
      })
      const ask = (asker: typeof one, key: string) =>
        Array.from({ length: 100 }, async (_, n) => {
          const reply = await asker.request(prices, item(n, { key }), { timeoutMs: 10_000 })
          deepEqual(reply, item(n * 2, { key }), `the reply to ${key} ${n}`)
        })
      await kit.within('all replies', Promise.all([...ask(one, 'one'), ...ask(two, 'two')]), 15_000)
      await one.close()
      await two.close()
      const left = async (): Promise<boolean> =>
        (await kit.probe.entities('reply')).filter((name) => !name.endsWith('waybill.replies')).length === 0
      await kit.eventually('requesters leave nothing behind', left)
    },
    async refusal(kit) {
      const messaging = await kit.connect()
      await kit.expectUnsupported(messaging.request(requestChannel(kit), item(), { timeoutMs: 1_000 }))
    },
  },
  {
    id: 'SCH-05',
    part: 'too late',
    needs: { capability: replies },
    async run(kit) {
      const prices = requestChannel(kit)
      const events: MessagingEvent[] = []
      const server = await kit.connect()
      const asker = await kit.connect({ onEvent: (event) => void events.push(event) })
      const [gate, later] = [kit.gate(), kit.gate()]
      let answered = 0
      await server.consume(prices, { group }, async (data) => {
        if (data.n < 3) await gate.opened
        if (data.n === 7) await later.opened
        answered++
        return data
      })
      await asker.request(prices, item(9), { timeoutMs: 5_000 })
      const startedAt = monotonicMs()
      const error = await kit.expectRejection('timeout', asker.request(prices, item(0), { timeoutMs: 400 }))
      const tookMs = monotonicMs() - startedAt
      ok(tookMs >= 390 && tookMs <= 400 + kit.timings.toleranceMs, `timed out after ${tookMs} ms of 400 ms`)
      equal(error.channel, prices.name)
      equal(error.retryable, true)
      const abort = new AbortController()
      const aborting = asker.request(prices, item(1), { timeoutMs: 10_000, signal: abort.signal })
      const aborted = kit.expectRejection('aborted', aborting)
      await kit.sleep(100)
      abort.abort()
      await aborted
      const pending = asker.request(prices, item(7), { timeoutMs: 20_000 })
      gate.open()
      await kit.eventually('the late replies were sent', () => answered === 3)
      const late = (): readonly MessagingEvent[] =>
        events.filter(({ type, error: of }) => type === 'fault' && /reply came after/.test(of?.message ?? ''))
      await kit.eventually('both are told of', () => late().length === 2)
      match(late()[1]?.error?.message ?? '', /\b2\b/, 'and counted')
      later.open()
      deepEqual(await pending, item(7), 'a late reply answers nobody else')
      deepEqual(await asker.request(prices, item(5), { timeoutMs: 5_000 }), item(5))
    },
    refusal: (kit) => refuseRequest(kit),
  },
  {
    id: 'SCH-05',
    part: 'after a lost connection',
    needs: { faults: ['cut'], capability: replies },
    async run(kit) {
      const link = await kit.link()
      const prices = requestChannel(kit)
      const server = await kit.connect()
      const asker = await kit.connect({ link })
      await server.consume(prices, { group }, async (data) => data)
      await asker.request(prices, item(0), { timeoutMs: 5_000 })
      for (let n = 1; n <= 3; n++) {
        await link.cut()
        await kit.eventually('it is back', () => asker.health().status === 'up', kit.timings.recoverMs)
        const asked = async (): Promise<boolean> =>
          asker.request(prices, item(n), { timeoutMs: 1_000 }).then(
            ({ n: answer }) => answer === n,
            () => false,
          )
        await kit.eventually('a request is answered again', asked, kit.timings.recoverMs)
      }
    },
    refusal: (kit) => refuseRequest(kit),
  },
  {
    id: 'SCH-05',
    part: 'refused',
    async run(kit) {
      const messaging = await kit.connect()
      const plain = kit.channel([group]) as unknown as Channel<any>
      await kit.expectRejection('invalidArgument', messaging.request(plain, item(), { timeoutMs: 1_000 }))
      const prices = requestChannel(kit)
      const noTime = messaging.request(prices, item(), { timeoutMs: 0 })
      await kit.expectRejection('invalidArgument', noTime)
    },
  },
]

type RequestChannel = Channel<{
  send: Item
  message: import('@waybill/core').Message<Item>
  group: typeof group
  handler: import('@waybill/core').Handler<Item, string, Item>
  reply: Item
}>

function requestChannel(kit: Kit): RequestChannel {
  return channel(kit.name('prices'), {
    schema: itemSchema,
    reply: itemSchema,
    groups: [group],
  }) as unknown as RequestChannel
}

async function refuseRequest(kit: Kit): Promise<void> {
  const messaging = await kit.connect()
  await kit.expectUnsupported(messaging.request(requestChannel(kit), item(), { timeoutMs: 1_000 }))
}
