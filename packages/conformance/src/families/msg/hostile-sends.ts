import { deepEqual, equal, ok } from 'node:assert/strict'
import type { WireMessage } from '@waybill/core/driver'
import { bytes, channel, json, MessagingError, type Message, type SendOptions } from '@waybill/core'
import fc, { type Arbitrary } from 'fast-check'
import type { Behaviour } from '../../behaviour.ts'
import { fuzz, watchPrototypes } from '../../fuzz.ts'
import { hostileValue } from '../../hostile-json.ts'
import { hostileName, hostileText } from '../../hostile-text.ts'
import type { Kit } from '../../kit.ts'
import { watchSends } from '../../wrapped-driver.ts'
import { ownHeaders, type FidelityChannel } from './exchange.ts'

const group = 'billing'
const refusals: readonly string[] = ['invalidArgument', 'tooLarge']
/** Nothing that one message holds may keep the process from everything else for longer. */
const longestStallMs = 5_000

interface Sent<D> {
  readonly data: D
  readonly options: SendOptions
}

/** What came of it, told by the text that both ends can make of the data. */
interface Received {
  readonly text: string
  readonly message: Message<unknown>
}

const optional = <T>(arbitrary: Arbitrary<T>): Arbitrary<T | undefined> => fc.option(arbitrary, { nil: undefined })

/** `fc.dictionary` would set the prototype by the name of `__proto__`. */
const headers = fc
  .array(
    fc.tuple(hostileName, fc.oneof({ weight: 30, arbitrary: hostileText }, { weight: 1, arbitrary: fc.anything() })),
    {
      maxLength: 4,
    },
  )
  .map((entries) => Object.fromEntries(entries) as { [name: string]: string })

const options: Arbitrary<SendOptions> = fc
  .record({
    headers: optional(headers),
    id: optional(hostileText),
    key: optional(hostileText),
    correlationId: optional(hostileText),
  })
  .map((drawn) => Object.fromEntries(Object.entries(drawn).filter(([, value]) => value !== undefined)) as SendOptions)

/** What the application itself hands over, however odd: exact or refused. */
export const hostileSends: readonly Behaviour[] = [
  {
    id: 'MSG-15',
    part: 'json',
    tags: ['long'],
    deadlineMs: 120_000,
    async run(kit) {
      const arbitrary = fc.record({ data: hostileValue.map((value) => ({ n: -1, value })), options })
      await send(kit, channel(kit.name('values'), { schema: json, groups: [group] }) as never, arbitrary, {
        numbered: (data: { value: unknown }, n) => ({ n, value: data.value }),
        textOf: (data) => JSON.stringify(data),
        numberOf: (data) => (data as { n: number }).n,
      })
    },
  },
  {
    id: 'MSG-15',
    part: 'bytes',
    tags: ['long'],
    deadlineMs: 120_000,
    async run(kit) {
      const bodies = fc.oneof(
        { weight: 20, arbitrary: fc.uint8Array({ maxLength: 200 }) },
        { weight: 1, arbitrary: fc.constantFrom<unknown>('text', null, 5, new DataView(new ArrayBuffer(4)), {}, [1]) },
      )
      const arbitrary = fc.record({ data: bodies as Arbitrary<Uint8Array>, options })
      await send(kit, channel(kit.name('files'), { schema: bytes, groups: [group] }) as never, arbitrary, {
        numbered(data: Uint8Array, n) {
          if (!(data instanceof Uint8Array)) return data
          const numbered = Buffer.alloc(4 + data.length)
          numbered.writeUInt32BE(n, 0)
          numbered.set(data, 4)
          return numbered
        },
        textOf: (data) => Buffer.from(data as Uint8Array).toString('hex'),
        numberOf: (data) => Buffer.from(data as Uint8Array).readUInt32BE(0),
      })
    },
  },
]

interface Format<D> {
  numbered(data: D, n: number): D
  textOf(data: unknown): string
  numberOf(data: unknown): number
}

async function send<D>(
  kit: Kit,
  values: FidelityChannel<D>,
  arbitrary: Arbitrary<Sent<D>>,
  { numbered, textOf, numberOf }: Format<D>,
): Promise<void> {
  const pollution = watchPrototypes()
  // Each once, also when a lost connection has it sent again.
  const handed = new Set<WireMessage>()
  const wrap = watchSends((batch) => {
    for (const { message } of batch) handed.add(message)
    return undefined
  })
  let isTwiceRight = false
  const messaging = await kit.connect({ wrap, onEvent: ({ type }) => (isTwiceRight ||= type === 'disconnected') })
  const received = new Map<number, Received[]>()
  await messaging.consume(values, { group: group as never, concurrency: 64 }, async (data, { message }) => {
    const n = numberOf(data)
    received.set(n, [...(received.get(n) ?? []), { text: textOf(data), message }])
  })
  const totals = { accepted: 0, refused: 0 }
  await fuzz(kit, arbitrary, async (chunk, offset) => {
    handed.clear()
    const startedAt = performance.now()
    const sends = chunk.map(({ data, options }, index) => {
      const sent = numbered(data, offset + index)
      return {
        n: offset + index,
        text: attempt(() => textOf(sent)),
        options,
        sending: messaging.send(values, sent, options),
      }
    })
    const outcomes = await Promise.allSettled(sends.map(({ sending }) => sending))
    const accepted = sends.filter((_, index) => outcomes[index]?.status === 'fulfilled')
    for (const outcome of outcomes) if (outcome.status === 'rejected') expectTyped(outcome.reason)
    equal(handed.size, accepted.length, 'what was refused had reached the driver')
    await kit.eventually('all that was accepted', () => received.size >= accepted.length)
    for (const { n, text, options } of accepted) expectExact(n, { text, options }, received.get(n) ?? [], isTwiceRight)
    if (!isTwiceRight) equal(received.size, accepted.length, 'messages that nobody sent')
    const tookMs = performance.now() - startedAt
    ok(tookMs < longestStallMs + kit.timings.arriveMs, `${chunk.length} messages took ${tookMs} ms`)
    received.clear()
    totals.accepted += accepted.length
    totals.refused += chunk.length - accepted.length
  })
  kit.log.note('accepted and refused', totals)
  deepEqual(pollution(), [], 'the prototypes of everything')
  ok(Math.min(totals.accepted, totals.refused) > 0, `it draws too much of one kind: ${JSON.stringify(totals)}`)
}

function expectTyped(error: unknown): void {
  ok(
    MessagingError.is(error) && refusals.includes(error.code),
    `refused with ${String((error as Error)?.stack ?? error)}`,
  )
}

function expectExact(
  n: number,
  { text, options }: { text: string | undefined; options: SendOptions },
  found: readonly Received[],
  isTwiceRight: boolean,
): void {
  ok(found.length === 1 || (isTwiceRight && found.length > 1), `message ${n} came ${found.length} times`)
  const { text: handled, message } = found[0] as Received
  equal(handled, text, `the data of message ${n}`)
  deepEqual(ownHeaders(message.headers), ownHeaders(options.headers ?? {}), `the headers of message ${n}`)
  equal(Object.getPrototypeOf(message.headers), null, 'the prototype of the headers')
  deepEqual([message.key, message.correlationId], [options.key, options.correlationId])
  equal(message.id, options.id ?? message.id)
}

function attempt<T>(make: () => T): T | undefined {
  try {
    return make()
  } catch {
    return undefined
  }
}
