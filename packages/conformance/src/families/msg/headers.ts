import { deepEqual, equal } from 'node:assert/strict'
import { channel, json, type SendOptions } from '@waybill/core'
import type { Behaviour } from '../../behaviour.ts'
import { item, type Item } from '../../item.ts'
import { countSends } from '../../wrapped-driver.ts'
import { groups, only, ownHeaders, pass, type FidelityChannel } from './exchange.ts'
import { refusesRetries, retries } from '../rty/letters.ts'

const prototypeNames = [
  '__proto__',
  'constructor',
  'toString',
  'valueOf',
  'hasOwnProperty',
  'prototype',
  '__defineGetter__',
]

/** Headers are data: any name, any text, nothing interpreted. */
export const headers: readonly Behaviour[] = [
  {
    id: 'MSG-03',
    async run(kit) {
      const { maxHeaders = 100, maxHeaderBytes } = kit.capabilities
      const many = Math.min(maxHeaders, 100, Math.floor(maxHeaderBytes / 40))
      const sets: { [name: string]: string }[] = [
        { unicode: 'žluťoučký 漢字 العربية', emoji: '👩‍👩‍👧‍👦 😀', combined: 'e\u0301 ≠ é' },
        { empty: '', blank: ' ', padded: '  both ends  ', 'not trimmed ': 'name' },
        { Case: 'upper', case: 'lower', CASE: 'all', 'X-Trace-Id': '1' },
        { ключ: 'name', '😀': 'emoji name', 'with space': 'x', 'a=b&c;d,e': 'punctuation' },
        { CC: 'copy', BCC: 'blind copy', 'x-death': 'x', 'content-type': 'text/html', id: 'x', type: 'x', key: 'x' },
        {
          destination: '/queue/x',
          receipt: '1',
          ack: 'x',
          'message-id': 'x',
          'reply-to': 'x',
          priority: '9',
          ttl: '1',
        },
        { number: '1', truth: 'true', nothing: 'null', json: '{"a":1}', percent: '%41%', quoted: '"x"' },
        { long: 'l'.repeat(Math.min(8_000, maxHeaderBytes / 2 - 500)) },
        { ['n'.repeat(255)]: 'long name' },
        Object.fromEntries(Array.from({ length: many }, (_, index) => [`h${index}`, `v${index}`])),
      ]
      const sends = sets
        .flatMap((set) => chunked(set, maxHeaders))
        .map((set, n) => ({ data: item(n), options: { headers: set } }))
      const passages = await pass<Item>(kit, kit.channel(groups), sends)
      for (const [index, { run, wire }] of passages.entries()) {
        const sent = ownHeaders(sends[index]?.options.headers ?? {})
        deepEqual(ownHeaders(run.message.headers), sent, 'the headers handled')
        deepEqual(ownHeaders(wire.headers), sent, 'the headers at the broker')
      }
    },
  },
  {
    id: 'MSG-04',
    async run(kit) {
      const { maxHeaders = prototypeNames.length } = kit.capabilities
      const named = record(prototypeNames.map((name) => [name, `header ${name}`]))
      const data = JSON.parse(
        '{"__proto__":{"polluted":"yes"},"constructor":{"prototype":{"polluted":"yes"}},"toString":1}',
      )
      const orders: FidelityChannel<unknown> = channel(kit.name('orders'), { schema: json, groups })
      const sets = chunked(named, maxHeaders)
      const names = ['__proto__', 'constructor']
      const sends: { data: unknown; options: SendOptions }[] = [
        ...sets.map((set) => ({ data, options: { headers: set } })),
        ...names.map((name) => ({ data, options: { id: name, key: name, correlationId: name } })),
      ]
      const passages = await pass(kit, orders, sends)
      for (const [index, { run, wire }] of passages.entries()) {
        const { options } = sends[index] as (typeof sends)[number]
        const sent = ownHeaders(options.headers ?? {})
        deepEqual(ownHeaders(run.message.headers), sent, 'the headers handled')
        equal(Object.getPrototypeOf(run.message.headers), null, 'the prototype of the headers')
        deepEqual(ownHeaders(wire.headers), sent, 'the headers at the broker')
        equal(JSON.stringify(run.data), JSON.stringify(data))
        deepEqual(Object.keys(run.data as object), ['__proto__', 'constructor', 'toString'])
        equal(run.message.key, options.key)
        equal(run.message.correlationId, options.correlationId)
        equal(wire.key, options.key)
      }
      equal(({} as { polluted?: unknown }).polluted, undefined, 'the prototype of all objects')
    },
  },
  {
    id: 'MSG-05',
    async run(kit) {
      const orders = kit.channel(groups)
      const exact = {
        'a:b': 'c:d',
        'back\\slash': '\\n \\r \\0 \\c \\\\',
        'x\\': 'y\\',
        ':': ':',
        '=': '=',
        '%': '%0D%0A',
      }
      const sends = Object.entries(exact).map(([name, value], n) => ({
        data: item(n, { text: 'a\r\nb\0c:d\\e' }),
        options: { headers: { [name]: value }, key: `key ${value}`, id: `id ${name}`, correlationId: `id ${value}` },
      }))
      for (const [index, { run, wire }] of (await pass<Item>(kit, orders, sends)).entries()) {
        const { data, options } = sends[index] as (typeof sends)[number]
        deepEqual(run.data, data)
        deepEqual(ownHeaders(run.message.headers), ownHeaders(options.headers))
        deepEqual(ownHeaders(wire.headers), ownHeaders(options.headers))
        deepEqual([run.message.key, run.message.correlationId], [options.key, options.correlationId])
        deepEqual([wire.key, wire.attributes.correlationid], [options.key, options.correlationId])
      }
    },
  },
  {
    id: 'MSG-05',
    part: 'control characters',
    async run(kit) {
      const counter = countSends()
      const messaging = await kit.connect({ wrap: counter.wrap })
      const orders = kit.channel(groups)
      for (const broken of ['a\rb', 'a\nb', 'a\r\nb: c', 'a\0b', '\u0085', '\u007f', '\ud800']) {
        for (const options of [
          { headers: { name: broken } },
          { headers: { [broken]: 'value' } },
          { key: broken },
          { id: broken },
          { correlationId: broken },
        ]) {
          await kit.expectRejection('invalidArgument', messaging.send(orders, item(), options))
        }
      }
      equal(counter.handed, 0, 'messages that reached the driver')
      await messaging.send(orders, item(1))
      const found = only(await kit.probe.extract({ channel: orders.name, group: 'audit' }))
      deepEqual(ownHeaders(found.headers), [], 'the one that was sent has nothing of them')
    },
  },
  {
    id: 'MSG-09',
    needs: { capability: retries },
    async run(kit) {
      const trace = {
        traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
        tracestate: 'congo=t61rcWkgMzE,rojo=00f067aa0ba902b7',
      }
      const first: FidelityChannel<Item> = kit.channel(groups)
      const second = kit.channel(groups)
      const messaging = await kit.connect()
      const runs = kit.record<Item>('billing')
      const relaying = runs.handler(async (data, { attempt, send }) => {
        if (attempt === 1) throw new Error('planted')
        await send(second, data)
      })
      await messaging.consume(first, { group: 'billing', retry: { maxAttempts: 2, delaysMs: [50] } }, relaying)
      const { id } = await messaging.send(first, item(), { headers: trace })
      await runs.untilDone([id])
      for (const { message } of runs.runs)
        deepEqual(ownHeaders(message.headers), Object.entries(trace), 'at each attempt')
      const sent = only(await kit.probe.extract({ channel: first.name, group: 'audit' }))
      const relayed = only(await kit.probe.extract({ channel: second.name, group: 'audit' }))
      deepEqual(ownHeaders(sent.headers), Object.entries(trace), 'under their own names on the wire')
      deepEqual(ownHeaders(relayed.headers), Object.entries(trace), 'carried on by what the handler sends')
      equal(relayed.attributes.correlationid, id)
    },
    refusal: refusesRetries,
  },
]

/** Own properties of any name, `__proto__` included. */
function record(entries: [string, string][]): { [name: string]: string } {
  return Object.fromEntries(entries)
}

/** In parts of at most so many headers. */
function chunked(headers: { [name: string]: string }, most: number): { [name: string]: string }[] {
  const entries = Object.entries(headers)
  const parts: { [name: string]: string }[] = []
  for (let index = 0; index < entries.length; index += most) parts.push(record(entries.slice(index, index + most)))
  return parts
}
