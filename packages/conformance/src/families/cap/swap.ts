import { deepEqual, equal } from 'node:assert/strict'
import { connect, type Configuration, type Messaging } from '@waybill/core'
import type { Behaviour } from '../../behaviour.ts'
import { item, itemChannel, items, sendItems, type Item } from '../../item.ts'
import type { Kit } from '../../kit.ts'
import { allAttemptsMs, refusesRetries, retries } from '../rty/letters.ts'

/** One program; which broker it runs on is said outside of it. */
export const swapped: readonly Behaviour[] = [
  {
    id: 'CAP-03',
    needs: { capability: retries },
    refusal: refusesRetries,
    deadlineMs: 60_000,
    async run(kit) {
      const url = kit.harness.url
      await program(kit, () => connect(url))
    },
  },
  {
    id: 'CAP-03',
    part: 'by configuration',
    needs: { capability: retries },
    refusal: refusesRetries,
    deadlineMs: 60_000,
    async run(kit) {
      const configuration: Configuration = JSON.parse(
        JSON.stringify({
          connections: { broker: kit.harness.url, other: kit.harness.url },
          channels: { '*': 'broker', [`${kit.nonce}.*`]: 'other' },
        }),
      )
      await program(kit, () => connect(configuration))
    },
  },
]

/** Knows nothing of the broker: sends, two groups, members that compete, retries, dead letters, redrive. */
async function program(kit: Kit, open: () => Promise<Messaging>): Promise<void> {
  const orders = itemChannel(kit.name('orders'), ['billing', 'shipping'])
  const [shop, billing, shipping] = await Promise.all([open(), open(), open()])
  for (const each of [shop, billing, shipping]) kit.track(each)
  const billed = kit.record<Item>('billing')
  const shipped = kit.record<Item>('shipping')
  let fixed = false
  const bill = billed.handler(async ({ n }, { attempt }) => {
    if (n % 10 === 3 && attempt < 3) throw new Error('not yet')
    if (n % 10 === 7 && !fixed) throw new TypeError('cannot be billed')
  })
  const retry = { maxAttempts: 3, delaysMs: [50, 100] }
  await billing.consume(orders, { group: 'billing', retry }, bill)
  await shipping.consume(orders, { group: 'shipping' }, shipped.handler(undefined, 'one'))
  await shop.consume(orders, { group: 'shipping' }, shipped.handler(undefined, 'two'))
  const headers = { 'Trace-Name': 'ä ✓', constructor: 'x' }
  const ids = await sendItems(shop, orders, items(50, { keys: 5, text: '✓ ü' }), { headers })
  await shipped.untilDone(ids)
  shipped.expectOnce(ids)
  for (const { data, message } of shipped.runs) {
    deepEqual(data, item(data.n, { key: data.key, text: '✓ ü' }))
    deepEqual({ ...message.headers }, headers)
    equal(message.key, data.key)
  }
  const hopeless = ids.filter((_, n) => n % 10 === 7)
  const handledWithinMs = allAttemptsMs(kit, retry)
  await billed.untilDone(
    ids.filter((id) => !hopeless.includes(id)),
    handledWithinMs,
  )
  const letters = billing.deadLetters(orders, 'billing')
  const listed = async () => {
    const found = []
    for await (const letter of letters.list()) found.push(letter)
    return found.length === hopeless.length ? found : undefined
  }
  const found = await kit.eventually('the dead letters', listed, handledWithinMs)
  deepEqual(found.map(({ message }) => message.id).sort(), [...hopeless].sort())
  for (const { failure } of found) deepEqual([failure?.type, failure?.attempts], ['TypeError', 3])
  for (const [n, id] of ids.entries()) {
    deepEqual(billed.attemptsOf(id), n % 10 === 3 || n % 10 === 7 ? [1, 2, 3] : [1], `attempts of ${n}`)
  }
  fixed = true
  const { redriven, failed } = await letters.redrive('all')
  deepEqual({ redriven, failed }, { redriven: hopeless.length, failed: [] })
  await billed.untilDone(ids)
  deepEqual(billed.tally(ids).duplicated, [])
  equal(shipped.runs.length, ids.length, 'a redrive reaches its own group alone')
}
