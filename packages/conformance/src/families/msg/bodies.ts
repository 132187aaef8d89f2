import { deepEqual, equal, ok } from 'node:assert/strict'
import { bytes, channel, deadLetter, json } from '@waybill/core'
import type { Behaviour } from '../../behaviour.ts'
import { groups, only, pass, type FidelityChannel } from './exchange.ts'
import { refusesRetries, retries } from '../rty/letters.ts'

/** The body is the sender's business: no byte of it is changed, read or added. */
export const bodies: readonly Behaviour[] = [
  {
    id: 'MSG-01',
    async run(kit) {
      const { maxBodyBytes } = kit.capabilities
      const sent = [
        new Uint8Array(0),
        Uint8Array.of(0),
        Uint8Array.of(0x0a),
        Uint8Array.from({ length: 256 }, (_, index) => index),
        Uint8Array.of(0xff, 0xfe, 0xc0, 0xaf, 0xed, 0xa0, 0x80, 0x80),
        Uint8Array.of(0xef, 0xbb, 0xbf, 0x7b, 0x7d),
        Buffer.from('"quotes", \\ and 😀\r\n\0 end'),
        patterned(64 * 1024),
        patterned(64 * 1024 + 1).subarray(1),
        patterned(maxBodyBytes - 1),
      ]
      const files: FidelityChannel<Uint8Array> = channel(kit.name('files'), { schema: bytes, groups })
      const passages = await pass(
        kit,
        files,
        sent.map((data) => ({ data })),
      )
      for (const [index, { run, wire }] of passages.entries()) {
        const body = sent[index] as Uint8Array
        sameBytes(run.data, body, `the body handled, ${body.length} bytes`)
        sameBytes(wire.body, body, `the body at the broker, ${body.length} bytes`)
      }
    },
  },
  {
    id: 'MSG-06',
    async run(kit) {
      const cloudEvent = { specversion: '1.0', id: 'other', source: '/other', type: 'other', data: { inner: true } }
      const notification = {
        Type: 'Notification',
        MessageId: 'other',
        TopicArn: 'arn:aws:sns:eu-central-1:000000000000:other',
        Message: '{"inner":true}',
        MessageAttributes: { id: { Type: 'String', Value: 'other' } },
      }
      const lookalikes = [
        cloudEvent,
        [cloudEvent],
        { ...cloudEvent, data: undefined, data_base64: 'AAAA' },
        notification,
        { Records: [{ eventSource: 'aws:s3', body: '{}' }] },
        { message: { data: 'AAAA', attributes: { id: 'other' } }, subscription: 'other' },
        { id: 'other', attributes: {}, headers: { id: 'other' }, key: 'other', body: 'other' },
      ].map((each) => JSON.parse(JSON.stringify(each)) as unknown)
      const orders: FidelityChannel<unknown> = channel(kit.name('orders'), { schema: json, groups })
      const passages = await pass(
        kit,
        orders,
        lookalikes.map((data) => ({ data })),
      )
      for (const [index, { run, wire }] of passages.entries()) {
        deepEqual(run.data, lookalikes[index])
        equal(run.message.type, orders.name)
        equal(Buffer.from(wire.body ?? []).toString(), JSON.stringify(lookalikes[index]))
      }
    },
  },
  {
    id: 'MSG-14',
    needs: { capability: retries },
    async run(kit) {
      const orders: FidelityChannel<unknown> = channel(kit.name('orders'), { schema: json, groups, key: () => 'k' })
      const messaging = await kit.connect()
      const runs = kit.record<unknown>('billing')
      const failing = runs.handler(async (_, { attempt }) => {
        if (attempt === 1) throw new Error('planted')
        deadLetter('planted')
      })
      await messaging.consume(orders, { group: 'billing', retry: { maxAttempts: 5, delaysMs: [100] } }, failing)
      const { id } = await messaging.send(orders, undefined)
      await runs.untilRuns(2)
      deepEqual(
        runs.of(id).map(({ data }) => data),
        [undefined, undefined],
        'what the handler gets at each attempt',
      )
      const sent = only(await kit.probe.extract({ channel: orders.name, group: 'audit' }))
      deepEqual([sent.attributes.id, sent.key, sent.body], [id, 'k', undefined], 'the tombstone at the broker')
      const isThere = async () => (await kit.probe.readDeadLetters(orders.name, 'billing')).length === 1
      await kit.eventually('the dead letter', isThere)
      const letter = only(await kit.probe.readDeadLetters(orders.name, 'billing'))
      deepEqual([letter.attributes.id, letter.key, letter.body], [id, 'k', undefined], 'the tombstone as a dead letter')
    },
    refusal: refusesRetries,
  },
  {
    id: 'MSG-14',
    part: 'an empty body is none',
    async run(kit) {
      const files: FidelityChannel<Uint8Array | undefined> = channel(kit.name('files'), {
        schema: optionalBytes,
        groups,
      })
      const sent = [undefined, new Uint8Array(0), undefined]
      const passages = await pass(
        kit,
        files,
        sent.map((data) => ({ data })),
      )
      const lengths = sent.map((data) => data?.length)
      deepEqual(
        passages.map(({ run }) => run.data?.length),
        lengths,
      )
      deepEqual(
        passages.map(({ wire }) => wire.body?.length),
        lengths,
      )
    },
  },
]

const optionalBytes = {
  contentType: 'application/octet-stream',
  encode: (value: Uint8Array | undefined) => value,
  decode: (body: Uint8Array | undefined) => body,
}

function patterned(length: number): Uint8Array {
  const body = new Uint8Array(length)
  for (let index = 0; index < length; index++) body[index] = (index * 31 + (index >> 8)) & 0xff
  return body
}

function sameBytes(found: Uint8Array | undefined, sent: Uint8Array, what: string): void {
  ok(found !== undefined, `${what}: no body`)
  equal(found.length, sent.length, what)
  ok(Buffer.compare(found, sent) === 0, `${what}: other bytes`)
}
