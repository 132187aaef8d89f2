import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { bytes, channel, type PreparedMessage } from '@waybill/core'
import type { Behaviour } from '../../behaviour.ts'
import { item } from '../../item.ts'
import type { Kit } from '../../kit.ts'
import { countSends } from '../../wrapped-driver.ts'
import { refusesRetries, retries } from '../rty/letters.ts'

const group = 'billing'

/** Each number: true at the limit, refused one past it. */
export const limits: readonly Behaviour[] = [
  {
    id: 'CAP-02',
    async run(kit) {
      const { maxBodyBytes } = kit.capabilities
      const counter = countSends()
      const files = channel(kit.name('files'), { schema: bytes, groups: [group] })
      const messaging = await kit.connect({ wrap: counter.wrap })
      await messaging.send(files, new Uint8Array(maxBodyBytes).fill(7))
      const error = await kit.expectRejection('tooLarge', messaging.send(files, new Uint8Array(maxBodyBytes + 1)))
      match(error.message, new RegExp(`${maxBodyBytes}`))
      const [found] = await kit.probe.extract({ channel: files.name, group })
      equal(found?.body?.length, maxBodyBytes)
      equal(counter.handed, 1)
    },
  },
  {
    id: 'CAP-02',
    part: 'headers in all',
    needs: { capability: retries },
    async run(kit) {
      const { maxHeaderBytes } = kit.capabilities
      const orders = kit.channel([group])
      const counter = countSends()
      const messaging = await kit.connect({ wrap: counter.wrap })
      const bare = headerBytes(await messaging.prepare(orders, item(), { headers: { pad: '' } }))
      const padded = (length: number) => ({ headers: { pad: 'x'.repeat(length) } })
      const over = messaging.send(orders, item(), padded(maxHeaderBytes - bare + 1))
      match((await kit.expectRejection('tooLarge', over)).message, /header/)
      equal(counter.handed, 0, 'messages that reached the driver')
      const fits = (length: number): Promise<boolean> =>
        messaging.prepare(orders, item(), padded(length)).then(
          () => true,
          () => false,
        )
      let [most, tooMany] = [0, maxHeaderBytes]
      while (tooMany - most > 1) {
        const middle = Math.floor((most + tooMany) / 2)
        if (await fits(middle)) most = middle
        else tooMany = middle
      }
      ok(
        bare + most >= maxHeaderBytes / 2 && bare + most >= maxHeaderBytes - 4_096,
        `of ${maxHeaderBytes} bytes ${bare + most} can be used`,
      )
      await kit.expectRejection('tooLarge', messaging.send(orders, item(), padded(most + 1)))
      const runs = kit.record(group)
      const handler = runs.handler(async () => {
        throw new Error('planted '.repeat(1_000))
      })
      await messaging.consume(orders, { group, retry: { maxAttempts: 2, delaysMs: [50] } }, handler)
      const { id } = await messaging.send(orders, item(), padded(most))
      const [letter] = await kit.eventually('what can be sent can be retried and dead-lettered', async () => {
        const letters = await kit.probe.readDeadLetters(orders.name, group)
        return letters.length > 0 ? letters : undefined
      })
      deepEqual(runs.attemptsOf(id), [1, 2])
      equal(letter?.headers.pad?.length, most, 'whole')
      match(letter?.headers['waybill-failure-message'] ?? '', /^planted .*cut \d+ bytes/)
    },
    refusal: refusesRetries,
  },
  {
    id: 'CAP-02',
    part: 'number of headers',
    needs: { capability: { name: 'maxHeaders', declared: ({ maxHeaders }) => maxHeaders !== undefined } },
    async run(kit) {
      const { maxHeaders = 0, maxHeaderBytes } = kit.capabilities
      const orders = kit.channel([group])
      const messaging = await kit.connect()
      const headers = (count: number): Record<string, string> =>
        Object.fromEntries(Array.from({ length: count }, (_, n) => [`h${n}`, 'v']))
      ok(maxHeaders * 8 < maxHeaderBytes, 'the number is the limit here, not the bytes')
      await messaging.send(orders, item(), { headers: headers(maxHeaders) })
      await kit.expectRejection('tooLarge', messaging.send(orders, item(), { headers: headers(maxHeaders + 1) }))
      const [found, ...others] = await kit.probe.extract({ channel: orders.name, group })
      deepEqual({ ...found?.headers }, headers(maxHeaders))
      deepEqual(others, [])
    },
    /** No limit of their number: as many as fit into the bytes. */
    async refusal(kit) {
      const orders = kit.channel([group])
      const messaging = await kit.connect()
      const count = Math.floor(kit.capabilities.maxHeaderBytes / 32)
      const headers = Object.fromEntries(Array.from({ length: count }, (_, n) => [`h${n}`, 'v']))
      await messaging.send(orders, item(), { headers })
      const [found] = await kit.probe.extract({ channel: orders.name, group })
      equal(Object.keys(found?.headers ?? {}).length, count)
    },
  },
  {
    id: 'CAP-02',
    part: 'names',
    needs: { capability: retries },
    async run(kit) {
      const longest = Math.min(kit.capabilities.maxNameLength, 200)
      const padded = (name: string, length: number): string => name + 'n'.repeat(length - name.length)
      const name = kit.name('long')
      const messaging = await kit.connect()
      const groups = [padded('g', longest)]
      const long = channel(padded(name, longest), { schema: bytes, groups })
      const { id } = await messaging.send(long, new Uint8Array(3))
      const runs = kit.record(group)
      const retry = { maxAttempts: 2, delaysMs: [100] }
      const failing = runs.handler(async (_, { attempt }) => {
        if (attempt === 1) throw new Error('planted')
      })
      await messaging.consume(long, { group: groups[0] ?? '', retry }, failing)
      await runs.untilDone([id])
      deepEqual(runs.attemptsOf(id), [1, 2], 'delays and dead letters have room for their names too')
      const tooLong = async (): Promise<unknown> =>
        messaging.send(channel(padded(name, longest + 1), { schema: bytes, groups: [group] }), new Uint8Array(3))
      await kit.expectRejection(['unsupported', 'invalidArgument'], tooLong())
      const groupTooLong = async (): Promise<unknown> =>
        messaging.producer(channel(kit.name('c'), { schema: bytes, groups: [padded('g', longest + 1)] }))
      await kit.expectRejection(['unsupported', 'invalidArgument'], groupTooLong())
    },
    refusal: refusesRetries,
  },
  {
    id: 'CAP-02',
    part: 'a batch',
    async run(kit) {
      const { maxBatch, maxBatchBytes } = kit.capabilities.send
      const orders = kit.channel([group])
      const { connection } = await kit.open('send')
      const topology = { channels: [{ name: orders.name, keyed: false, groups: [{ name: group, delaysMs: [] }] }] }
      await connection.provision(topology, 'create')
      const count = Math.min(maxBatch, 2_000)
      const bodyBytes = Math.max(1, Math.min(Math.floor(maxBatchBytes / count) - 600, 1_000))
      const failures = await new Promise<unknown[]>((resolve) => {
        const failed: unknown[] = []
        let left = count
        const message = (n: number) => ({
          ...{
            id: `${kit.nonce}-${n}`,
            source: '/conformance',
            type: orders.name,
            time: undefined,
            contentType: undefined,
          },
          ...{
            extensions: Object.create(null),
            headers: Object.create(null),
            key: undefined,
            body: new Uint8Array(bodyBytes),
          },
        })
        const batch = Array.from({ length: count }, (_, n) => ({ message: message(n) }))
        connection.send({ channel: orders.name }, batch, (index, failure) => {
          if (failure !== undefined) failed.push([index, failure])
          if (--left === 0) resolve(failed)
        })
      })
      deepEqual(failures, [], `of ${count} entries in one batch`)
      const found = await kit.probe.extract({ channel: orders.name, group })
      equal(new Set(found.map(({ attributes }) => attributes.id)).size, count)
    },
  },
  {
    id: 'CAP-02',
    part: 'delays',
    needs: {
      capability: {
        name: 'retryInPlace or delayedSend.toGroupMs',
        declared: ({ retryInPlace, delayedSend }) => retryInPlace !== undefined || (delayedSend?.toGroupMs ?? 0) > 0,
      },
    },
    async run(kit) {
      const { retryInPlace, delayedSend } = kit.capabilities
      const maxMs = retryInPlace?.maxMs ?? delayedSend?.toGroupMs ?? 0
      await expectRetryLimit(kit, maxMs, { maxAttempts: 2, delaysMs: [maxMs + 1] })
      const { maxDeliveries } = retryInPlace ?? {}
      if (maxDeliveries === undefined) return
      const messaging = await kit.connect()
      const many = { maxAttempts: maxDeliveries + 1, delaysMs: [1_000] }
      await kit.expectUnsupported(messaging.consume(kit.channel([group]), { group, retry: many }, async () => {}))
    },
    async refusal(kit) {
      const { delayLanes } = kit.capabilities
      const messaging = await kit.connect()
      const retry = { maxAttempts: 2, delaysMs: [60_000] }
      const consuming = messaging.consume(kit.channel([group]), { group, retry }, async () => {})
      if (delayLanes) await kit.within('delay lanes have no limit', consuming)
      else await kit.expectUnsupported(consuming)
    },
  },
  {
    id: 'CAP-02',
    part: 'how long a message is held',
    needs: {
      capability: {
        name: 'order with a finite holdMs',
        declared: ({ order, holdMs }) => order !== 'none' && Number.isFinite(holdMs),
      },
    },
    async run(kit) {
      const { holdMs } = kit.capabilities
      const messaging = await kit.connect()
      const consume = (delayMs: number): Promise<unknown> =>
        messaging.consume(
          kit.channel([group], { ordering: 'key' }),
          { group, retry: { maxAttempts: 2, delaysMs: [delayMs] } },
          async () => {},
        )
      await kit.within('at the limit', consume(holdMs))
      await kit.expectUnsupported(consume(holdMs + 1))
    },
    async refusal(kit) {
      const messaging = await kit.connect()
      const retry = { maxAttempts: 2, delaysMs: [86_400_000] }
      const consuming = messaging.consume(kit.channel([group], { ordering: 'key' }), { group, retry }, async () => {})
      if (kit.capabilities.order === 'none') await kit.expectUnsupported(consuming)
      else await kit.within('any time can be held', consuming)
    },
  },
]

async function expectRetryLimit(
  kit: Kit,
  maxMs: number,
  beyond: { readonly maxAttempts: number; readonly delaysMs: readonly number[] },
): Promise<void> {
  const messaging = await kit.connect()
  const runs = kit.record(group)
  const orders = kit.channel([group])
  const handler = runs.handler(async (_, { attempt }) => {
    if (attempt === 1) throw new Error('planted')
  })
  await messaging.consume(orders, { group, retry: { maxAttempts: 3, delaysMs: [100, maxMs] } }, handler)
  const { id } = await messaging.send(orders, item())
  await runs.untilDone([id])
  await kit.expectUnsupported(messaging.consume(kit.channel([group]), { group, retry: beyond }, async () => {}))
}

/** Names and values of all headers and attributes together, as `capabilities.maxHeaderBytes` counts them. */
function headerBytes({ attributes, headers, key }: PreparedMessage): number {
  const keyed = key === undefined ? {} : { partitionkey: key }
  const all = [attributes, headers, keyed].flatMap((each) => Object.entries<string>(each))
  return all.reduce((sum, [name, value]) => sum + Buffer.byteLength(name) + Buffer.byteLength(value), 0)
}
