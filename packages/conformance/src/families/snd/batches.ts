import { deepEqual, equal, ok } from 'node:assert/strict'
import type { WireMessage } from '@waybill/core/driver'
import type { Behaviour } from '../../behaviour.ts'
import { item, itemIn, items, sendItems, type Item } from '../../item.ts'
import { watchSends, wrapDriver } from '../../wrapped-driver.ts'

const group = 'billing'

/** Many sends at once: their order, their results, their size. */
export const batches: readonly Behaviour[] = [
  {
    id: 'SND-04',
    needs: { capability: { name: 'order', declared: ({ order }) => order !== 'none' } },
    async run(kit) {
      const keys = 8
      const orders = kit.channel([group], { ordering: 'key' })
      const messaging = await kit.connect()
      await sendItems(messaging, orders, items(800, { keys }))
      const found = (await kit.probe.extract({ channel: orders.name, group })).map(({ body }) => itemIn(body))
      equal(found.length, 800)
      for (let key = 0; key < keys; key++) {
        const order = found.filter((item) => item.key === `k${key}`).map(({ n }) => n)
        deepEqual(
          order,
          [...order].sort((a, b) => a - b),
          `the order of key k${key} at the broker`,
        )
      }
    },
    async refusal(kit) {
      const messaging = await kit.connect()
      await kit.expectUnsupported(messaging.producer(kit.channel([group], { ordering: 'key' })))
    },
  },
  {
    id: 'SND-05',
    async run(kit) {
      const orders = kit.channel([group])
      const messaging = await kit.connect()
      const data = items(20).map((item) => (item.n % 7 === 3 ? ({ n: 'no number' } as unknown as Item) : item))
      const error = await kit.expectRejection('invalidArgument', messaging.sendAll(orders, data))
      deepEqual(
        error.failures?.map(({ index }) => index),
        [3, 10, 17],
        'the failed entries',
      )
      ok(error.failures?.every((failure) => failure.error.code === 'invalidArgument'))
      const found = await kit.probe.extract({ channel: orders.name, group })
      deepEqual(
        found.map(({ body }) => itemIn(body).n).sort((a, b) => a - b),
        items(20)
          .map(({ n }) => n)
          .filter((n) => n % 7 !== 3),
      )
    },
  },
  {
    id: 'SND-06',
    async run(kit) {
      const { maxBatch, maxBatchBytes } = kit.capabilities.send
      const watch = batchSizes()
      const orders = kit.channel([group])
      const messaging = await kit.connect({ wrap: watch.wrap })
      const count = Math.min(maxBatch, 1_000) * 2 + 3
      await messaging.sendAll(orders, items(count))
      ok(Math.max(...watch.entries) <= maxBatch, `entries of batches: ${watch.entries}`)
      ok(Math.max(...watch.bytes) <= maxBatchBytes, `bytes of batches: ${watch.bytes}`)
      const found = await kit.probe.extract({ channel: orders.name, group })
      equal(new Set(found.map(({ attributes }) => attributes.id)).size, count, 'each message')
      equal(found.length, count, 'each once')
    },
  },
  {
    id: 'SND-06',
    part: 'far below what the broker takes',
    async run(kit) {
      const { send } = kit.capabilities
      const maxBatch = Math.min(send.maxBatch, 10)
      const maxBatchBytes = Math.min(send.maxBatchBytes, 40_000)
      const watch = batchSizes()
      const lowered = { ...kit.capabilities, send: { ...send, maxBatch, maxBatchBytes } }
      const orders = kit.channel([group])
      const messaging = await kit.connect({
        wrap: (driver) => wrapDriver(watch.wrap(driver), { capabilities: lowered }),
      })
      const sizes = [1, 30_000, 12_000, 12_000, 12_000, 3_000, 39_000]
      const data = [
        ...items(25),
        ...sizes.map((size, n) => item(25 + n, { text: 'x'.repeat(size) })),
        ...items(20).map(({ n }) => item(32 + n)),
      ]
      const headers = { long: 'h'.repeat(Math.min(2_000, kit.capabilities.maxHeaderBytes / 4)) }
      await messaging.sendAll(orders, data, { headers })
      ok(Math.max(...watch.entries) <= maxBatch, `entries of batches: ${watch.entries}`)
      const tooMany = watch.bytes.filter((bytes, index) => bytes > maxBatchBytes && watch.entries[index] !== 1)
      deepEqual(tooMany, [], `bytes of batches, headers included: ${watch.bytes}`)
      const found = await kit.probe.extract({ channel: orders.name, group })
      const numbers = found.map(({ body }) => itemIn(body).n).sort((a, b) => a - b)
      deepEqual(numbers, [...data.keys()], 'each message once')
    },
  },
]

/** How large the batches are that reach the driver: by entries, and by bytes of bodies, keys and headers. */
function batchSizes(): { entries: number[]; bytes: number[]; wrap: ReturnType<typeof watchSends> } {
  const entries: number[] = []
  const bytes: number[] = []
  const wrap = watchSends((batch) => {
    entries.push(batch.length)
    bytes.push(batch.reduce((sum, { message }) => sum + bytesOf(message), 0))
    return undefined
  })
  return { entries, bytes, wrap }
}

function bytesOf({ body, key = '', headers }: WireMessage): number {
  const texts = [key, ...Object.entries(headers).flat()]
  return texts.reduce((sum, text) => sum + Buffer.byteLength(text), body?.length ?? 0)
}
