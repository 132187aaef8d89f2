import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { channel, json, type Codec } from '@waybill/core'
import type { Behaviour } from '../../behaviour.ts'
import { item, items, itemSchema, sendItems, type Item } from '../../item.ts'
import { watchDeliveries } from '../../wrapped-driver.ts'
import {
  allAttemptsMs,
  granularityMs,
  idOf,
  recordBytes,
  recordOn,
  refusesRetries,
  retries,
  untilDeadLetters,
} from './letters.ts'

const group = 'billing'
/** What a failure record may take, where the broker has room for more. */
const budgetBytes = 16 * 1024

class PaymentRefused extends Error {}

/** What a dead letter says of its failure, read past the adapter. */
export const records: readonly Behaviour[] = [
  {
    id: 'RTY-05',
    needs: { capability: retries },
    async run(kit) {
      const orders = channel(kit.name('items'), {
        schema: itemSchema,
        groups: [group],
        key: ({ key }) => key,
        codec: spaced,
      })
      const positions = new Map<string | undefined, string | undefined>()
      const wrap = watchDeliveries(({ message, position }) => void positions.set(message.id, position))
      const messaging = await kit.connect({ wrap })
      const retry = { maxAttempts: 2, delaysMs: [200] }
      const thrown = new PaymentRefused('no funds, 100 % sure\nsecond line', { cause: new RangeError('balance') })
      const runs = kit.record<Item>(group)
      await messaging.consume(
        orders,
        { group, retry },
        runs.handler(async () => {
          throw thrown
        }),
      )
      const headers = { 'Trace-Name': 'ä ✓', empty: '' }
      const data = item(7, { key: 'schlüssel', text: 'ü' })
      const { id } = await messaging.send(orders, data, { headers, correlationId: 'c-1' })
      const [letter] = await untilDeadLetters(kit, { channel: orders.name, group }, 1, allAttemptsMs(kit, retry))
      ok(letter)
      const { type, message, stack, attempts, 'first-at': first, 'last-at': last, ...where } = recordOn(letter)
      deepEqual([type, attempts], ['PaymentRefused', '2'])
      equal(decodeURIComponent(message ?? ''), thrown.message)
      match(decodeURIComponent(stack ?? ''), /no funds.*at .*caused by: RangeError: balance/s)
      const position = positions.get(id)
      deepEqual(where, { channel: orders.name, group, ...(position === undefined ? {} : { position }) })
      const [sentAt, firstAt, lastAt] = [letter.attributes.time, first, last].map((time) => Date.parse(time ?? ''))
      ok((sentAt as number) <= (firstAt as number), `sent ${letter.attributes.time}, failed first ${first}`)
      const apartMs = (lastAt as number) - (firstAt as number)
      const mostMs = 200 + granularityMs(kit.capabilities) + kit.timings.toleranceMs
      // A retry in place carries nothing from run to run.
      const leastMs = kit.capabilities.retryInPlace === undefined ? 199 : 0
      ok(apartMs >= leastMs && apartMs <= mostMs, `first ${first} and last failure ${last}`)
      deepEqual([letter.attributes.id, letter.attributes.correlationid, letter.key], [id, 'c-1', data.key])
      deepEqual([letter.headers['Trace-Name'], letter.headers.empty], [headers['Trace-Name'], ''])
      equal(new TextDecoder().decode(letter.body), JSON.stringify(data, undefined, 1), 'the body, byte for byte')
      const others = Object.keys(letter.headers).filter((name) => /^waybill-(?!failure-)/.test(name))
      // A native dead letter is the message as it was, counters and all.
      if (kit.capabilities.deadLetter === 'lane') deepEqual(others, [])
    },
    refusal: refusesRetries,
  },
  {
    id: 'RTY-06',
    async run(kit) {
      const long = '\u{1d11e}ü 100 %\n'.repeat(8_000)
      const texts: readonly [message: string, stack: string][] = [
        [long, 'at short'],
        ['short', long],
        [`m ${long}`, `s ${long}`],
      ]
      const orders = kit.channel([group])
      const messaging = await kit.connect()
      const retry = { maxAttempts: 1, delaysMs: [] }
      await messaging.consume(orders, { group, retry }, async ({ n }) => {
        const [text, stack] = texts[n] as [string, string]
        throw Object.assign(new Error(text), { stack })
      })
      const ids = await sendItems(messaging, orders, items(3), { headers: { mine: 'kept' } })
      const letters = await untilDeadLetters(kit, { channel: orders.name, group }, 3)
      for (const [n, [text, stack]] of texts.entries()) {
        const letter = letters.find((each) => idOf(each) === ids[n])
        ok(letter, `a dead letter of item ${n}`)
        const bytes = recordBytes(letter)
        const limit = Math.min(budgetBytes, kit.capabilities.maxHeaderBytes)
        ok(bytes <= limit, `the record of item ${n} takes ${bytes} bytes of ${limit}`)
        const record = recordOn(letter)
        expectCut(decodeURIComponent(record.message ?? ''), text)
        expectCut(decodeURIComponent(record.stack ?? ''), stack)
        deepEqual([record.type, record.attempts, record.group], ['Error', '1', group], 'the rest is whole')
        equal(letter.headers.mine, 'kept')
      }
    },
  },
  {
    id: 'RTY-07',
    needs: { capability: retries },
    async run(kit) {
      const orders = kit.channel([group])
      const messaging = await kit.connect()
      const runs = kit.record<Item>(group)
      const retry = { maxAttempts: 2, delaysMs: [20] }
      const errors = [new PaymentRefused('first'), new TypeError('second'), new RangeError('third')]
      const seen = new Set<string>()
      const failing = runs.handler(async (_, { message }) => {
        for (const name of Object.keys(message.headers)) seen.add(name)
        throw errors[Math.floor((runs.runs.length - 1) / 2)]
      })
      await messaging.consume(orders, { group, retry }, failing)
      const { id } = await messaging.send(orders, item(), { headers: { mine: 'kept' } })
      let lastAt = ''
      for (const [pass, error] of errors.entries()) {
        const at = { channel: orders.name, group }
        const [letter, ...others] = await untilDeadLetters(kit, at, 1, allAttemptsMs(kit, retry))
        ok(letter)
        equal(others.length, 0, 'one dead letter at a time')
        const record = recordOn(letter)
        const names = 'attempts channel first-at group last-at message stack type'.split(' ')
        deepEqual(
          Object.keys(record)
            .filter((name) => name !== 'position')
            .sort(),
          names,
        )
        deepEqual([record.type, record.message, record.attempts], [error.constructor.name, error.message, '2'])
        ok((record['first-at'] ?? '') >= lastAt, `the times are those of pass ${pass}`)
        lastAt = record['last-at'] ?? ''
        if (error === errors.at(-1)) break
        const { redriven } = await messaging.deadLetters(orders, group).redrive({ ids: [id] })
        equal(redriven, 1)
      }
      deepEqual([...seen], ['mine'], 'a handler never sees a record')
    },
    refusal: refusesRetries,
  },
  {
    id: 'RTY-07',
    part: 'of a dead letter that somebody put back as it was',
    async run(kit) {
      const orders = kit.channel([group])
      const at = { channel: orders.name, group }
      const messaging = await kit.connect()
      const fail = async (): Promise<void> => {
        throw new PaymentRefused('again')
      }
      await messaging.consume(orders, { group, retry: { maxAttempts: 1, delaysMs: [] } }, fail)
      const { id } = await messaging.send(orders, item(), { headers: { mine: 'kept' } })
      const [first] = await untilDeadLetters(kit, at, 1)
      ok(first)
      await kit.probe.extract({ ...at, lane: 'dead' })
      const old = { 'waybill-failure-type': 'Old', 'waybill-failure-message': 'old', 'waybill-failure-of-yore': 'x' }
      await kit.probe.inject(at, { ...first, headers: { ...first.headers, ...old } })
      const [letter, ...others] = await untilDeadLetters(kit, at, 1)
      ok(letter)
      equal(others.length, 0)
      const { type, message, 'of-yore': ofYore } = recordOn(letter)
      deepEqual(
        [type, message, ofYore ?? ''],
        ['PaymentRefused', 'again', ''],
        'the record is of the last failure only',
      )
      deepEqual([letter.attributes.id, letter.headers.mine], [id, 'kept'])
    },
  },
]

/** JSON in a spelling of its own: to be kept, not remade. */
const spaced: Codec<Item> = {
  contentType: 'application/json',
  encode: (value) => new TextEncoder().encode(JSON.stringify(value, undefined, 1)),
  decode: (body, about) => json.decode(body, about) as Item,
}

function expectCut(found: string, whole: string): void {
  if (Buffer.byteLength(whole) < 1_000) return equal(found, whole)
  const [, kept, cut] = found.match(/^(.*)… \[cut (\d+) bytes\]$/s) ?? []
  ok(kept !== undefined, `a marker at the end of ${found.slice(-60)}`)
  ok(whole.startsWith(kept) && kept.length > 100, 'the beginning is kept')
  equal(Buffer.byteLength(kept) + Number(cut), Buffer.byteLength(whole), 'the bytes cut')
}
