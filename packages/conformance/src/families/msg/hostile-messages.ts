import { deepEqual, equal, fail, ok } from 'node:assert/strict'
import { inspect } from 'node:util'
import { bytes, channel, json, MessagingError, type MessagingEvent } from '@waybill/core'
import { canDelay } from '../../allowed-retries.ts'
import type { Behaviour } from '../../behaviour.ts'
import type { ForeignMessage } from '../../foreign-message.ts'
import { fuzz, watchPrototypes } from '../../fuzz.ts'
import { hostileForeign } from '../../hostile-foreign.ts'
import type { Kit } from '../../kit.ts'
import type { ProbeMessage } from '../../probe.ts'
import type { FidelityChannel } from './exchange.ts'

const group = 'billing'
const once = { maxAttempts: 1, delaysMs: [] }
const twice = { maxAttempts: 2, delaysMs: [20] }
/** By which a message is recognised, whatever else is wrong with it. */
const numberHeader = 'fuzz-number'
const chunkWithinMs = 20_000

/** What others put there: it is handled as it is, or kept where a person can look at it. */
export const hostileMessages: readonly Behaviour[] = [
  {
    id: 'MSG-16',
    part: 'bytes',
    tags: ['long'],
    needs: { faults: ['injectForeign'] },
    deadlineMs: 180_000,
    run: (kit) => receive(kit, channel(kit.name('files'), { schema: bytes, groups: [group] }) as never, hex, hex),
  },
  {
    id: 'MSG-16',
    part: 'json',
    tags: ['long'],
    needs: { faults: ['injectForeign'] },
    deadlineMs: 180_000,
    run: (kit) =>
      receive(
        kit,
        channel(kit.name('values'), { schema: json, groups: [group] }) as never,
        (value) => JSON.stringify(value),
        jsonIn,
      ),
  },
]

/** `textOf` of what a handler got, unless it was nothing, is `expected` of the body that was sent; where that throws, there must be no run. */
async function receive(
  kit: Kit,
  values: FidelityChannel<unknown>,
  textOf: (data: never) => string,
  expected: (body: Uint8Array) => string,
): Promise<void> {
  const at = { channel: values.name, group }
  const pollution = watchPrototypes()
  const told: MessagingEvent[] = []
  const messaging = await kit.connect({ onEvent: (event) => told.push(event) })
  const handled = new Map<number, (string | undefined)[]>()
  const retry = canDelay(kit.capabilities) ? twice : once
  await messaging.consume(
    values,
    { group: group as never, concurrency: 64, retry },
    async (data, { message, attempt }) => {
      equal(Object.getPrototypeOf(message.headers), null)
      const n = Number(message.headers[numberHeader])
      if (attempt === 1 && retry === twice && n % 10 === 3) throw new Error('planted')
      handled.set(n, [...(handled.get(n) ?? []), data === undefined ? undefined : textOf(data as never)])
    },
  )
  const totals = { handled: 0, deadLettered: 0 }
  /** A connection that was lost brings back what it had. That no message is the reason is looked at in the end. */
  const isTwiceRight = (): boolean => told.some(({ type }) => type === 'disconnected')
  const most = kit.capabilities.maxBodyBytes
  await fuzz(kit, hostileForeign, async (drawn, offset) => {
    // What is larger than the broker takes never gets in.
    const chunk = drawn.map((message) => ({ ...message, body: message.body.subarray(0, most) }))
    const sent = chunk.map((message, index) => numbered(message, offset + index))
    await kit.faults.injectForeign(at, sent)
    const arrived = async (): Promise<boolean> =>
      handled.size + (await kit.probe.depth({ ...at, lane: 'dead' })) >= chunk.length
    await kit.eventually('each was handled or dead-lettered', arrived, chunkWithinMs)
    const letters = await kit.probe.extract({ ...at, lane: 'dead' })
    const dead = new Map(letters.map((letter) => [Number(letter.headers[numberHeader]), letter]))
    const twin = letters.find((letter) => dead.get(Number(letter.headers[numberHeader])) !== letter)
    if (twin !== undefined && !isTwiceRight())
      fail(`a dead letter twice, or without its number: ${inspect(twin, { maxStringLength: 200 })}`)
    for (const [index, message] of chunk.entries()) {
      const runs = handled.get(offset + index) ?? []
      const told = isTwiceRight() ? [...new Set(runs)] : runs
      expectOneFate({ n: offset + index, message, expected }, told, dead.get(offset + index))
    }
    if (!isTwiceRight()) equal(handled.size + dead.size, chunk.length, 'messages that nobody sent')
    totals.handled += handled.size
    totals.deadLettered += dead.size
    handled.clear()
  })
  kit.log.note('handled and dead-lettered', totals)
  deepEqual(pollution(), [], 'the prototypes of everything')
  const grave = told.filter(({ type }) => type === 'disconnected' || type === 'fault').map(({ error }) => error)
  for (const error of grave) ok(MessagingError.is(error) && error.retryable, `a message did harm: ${error?.stack}`)
  ok(totals.handled > 0, 'some are fit to be handled')
}

function numbered(message: ForeignMessage, n: number): ForeignMessage {
  const number = { kind: 'text', bytes: Buffer.from(String(n)) } as const
  return { ...message, headers: [...message.headers, [Buffer.from(numberHeader), number]] }
}

/** Handled once with the right data, or dead-lettered with its bytes. */
function expectOneFate(
  { n, message, expected }: { n: number; message: ForeignMessage; expected: (body: Uint8Array) => string },
  runs: readonly (string | undefined)[],
  letter: ProbeMessage | undefined,
): void {
  const what = `message ${n}, ${describe(message)}`
  if (letter !== undefined) {
    equal(runs.length, 0, `${what}: handled and dead-lettered`)
    if (letter.body === undefined && carriesNothing(message)) return
    const kept = [message.body, ...eventBodies(message)].map(hex)
    const found = hex(letter.body ?? new Uint8Array())
    if (!kept.includes(found)) equal(found, kept[0], `${what}: the body of the dead letter`)
    return
  }
  equal(runs.length, 1, `${what}: runs`)
  const bodies = [message.body, ...eventBodies(message)].flatMap((body) => {
    try {
      return [expected(body)]
    } catch {
      return []
    }
  })
  if (runs[0] === undefined && carriesNothing(message)) return
  if (!bodies.includes(runs[0] as string)) fail(`${what}: handled as ${runs[0]?.slice(0, 200)}`)
}

/** Somebody may well forge the marker of a tombstone; it means nothing on a body that has bytes. */
function carriesNothing(message: ForeignMessage): boolean {
  const { headers, body } = message
  if (body.length === 0) return headers.some(([name]) => Buffer.from(name).toString() === 'waybill-tombstone')
  const event = structuredEvent(message)
  return event !== undefined && event.data === undefined && event.data_base64 === undefined
}

/** What a CloudEvent in structured mode carries: the transport's binding may unpack it. */
function eventBodies(message: ForeignMessage): readonly Uint8Array[] {
  const { data, data_base64: base64 } = structuredEvent(message) ?? {}
  if (base64 !== undefined) return [Buffer.from(String(base64), 'base64')]
  if (data === undefined) return []
  const document = Buffer.from(JSON.stringify(data))
  return typeof data === 'string' ? [document, Buffer.from(data)] : [document]
}

interface StructuredEvent {
  readonly data?: unknown
  readonly data_base64?: unknown
}

function structuredEvent({ contentType, body }: ForeignMessage): StructuredEvent | undefined {
  if (contentType?.startsWith('application/cloudevents+json') !== true) return undefined
  try {
    const event: unknown = JSON.parse(Buffer.from(body).toString())
    return typeof event === 'object' && event !== null ? event : undefined
  } catch {
    return undefined
  }
}

function describe({ headers, contentType, body }: ForeignMessage): string {
  const names = headers.map(([name, value]) => `${JSON.stringify(Buffer.from(name).toString())} ${value.kind}`)
  return `headers [${names.join(', ')}], content type ${contentType}, body ${JSON.stringify(Buffer.from(body).toString('latin1').slice(0, 200))}`
}

function hex(body: Uint8Array): string {
  return Buffer.from(body).toString('hex')
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

function jsonIn(body: Uint8Array): string {
  const text = utf8.decode(body)
  const value: unknown = JSON.parse(text)
  try {
    return JSON.stringify(value)
  } catch (error) {
    // Too deep for the stack here, which is not as high as a handler's: lists in lists are drawn as they are written.
    if (error instanceof RangeError) return text
    throw error
  }
}
