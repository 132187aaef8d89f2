import { deepEqual, ok } from 'node:assert/strict'
import { inspect } from 'node:util'
import { openTelemetry, type MessagingEvent } from '@waybill/core'
import type { Behaviour } from '../../behaviour.ts'
import { item, type Item } from '../../item.ts'
import type { Kit } from '../../kit.ts'
import { TelemetryRecorder } from '../../telemetry-recorder.ts'

const group = 'billing'
const once = { maxAttempts: 1, delaysMs: [] }

/** What must not be seen is seen nowhere. */
export const secrets: readonly Behaviour[] = [
  {
    id: 'ERR-03',
    async run(kit) {
      const secret = `s3cr3t/${kit.nonce}+ü`
      const encoded = encodeURIComponent(secret)
      const shown = new Shown(secret)
      const targets = [
        `pigeon://user:${encoded}@localhost`,
        `pigeon://user:${secret}@localhost`,
        `user:${secret}@localhost`,
        `${kit.harness.url.split(':', 1)[0]}://user:${encoded}@[not a host`,
        `${kit.harness.url.split(':', 1)[0]}://user:${encoded}@localhost?tokn=${encoded}`,
        { connections: { main: { driver: kit.harness.adapter, pasword: secret } } },
        { connections: { main: { driver: kit.harness.adapter, url: `${encoded}@@`, password: secret } } },
      ]
      for (const target of targets) {
        shown.add('connect', await kit.expectRejection(['invalidArgument', 'unavailable'], kit.connect({ target })))
      }
      const url = `postgres://app:${encoded}@db.internal/orders`
      await failWith(kit, shown, await kit.connect(observing(kit, shown)), () => {
        const error = new Error(`cannot reach ${url}`, { cause: new Error(`dialling ${url}`) })
        return Object.assign(error, { url, options: { url } })
      })
      const bad = { n: secret } as unknown as Item
      const messaging = await kit.connect()
      shown.add('schema', await kit.expectRejection('invalidArgument', messaging.send(kit.channel([group]), bad)))
      deepEqual(shown.leaks(), [], 'where the secret was seen')
    },
  },
  {
    id: 'ERR-03',
    part: 'in headers and bodies',
    async run(kit) {
      const secret = `s3cr3t/${kit.nonce}+ü`
      const shown = new Shown(secret)
      const written = captureOutput()
      kit.defer(async () => void written.end())
      const orders = kit.channel([group])
      const messaging = await kit.connect(observing(kit, shown))
      const refused = (what: string, work: Promise<unknown>): Promise<void> =>
        kit.expectRejection(['invalidArgument', 'tooLarge'], work).then((error) => shown.add(what, error))
      const circular: { [name: string]: unknown } = { secret }
      circular['self'] = circular
      await refused(
        'a header with a control character',
        messaging.send(orders, item(), { headers: { a: `${secret}\0` } }),
      )
      const headers = { a: secret.repeat(Math.ceil(kit.capabilities.maxHeaderBytes / secret.length)) }
      await refused('a header that is too large', messaging.send(orders, item(), { headers }))
      await refused('data that does not fit', messaging.send(orders, { n: secret } as unknown as Item))
      await refused('data that JSON cannot carry', messaging.send(orders, { ...item(), ...circular } as Item))
      const consumer = await messaging.consume(orders, { group, retry: once }, async () => {})
      const bodies = [secret, `{"password": ${secret}}`, `{"password":"${secret}"`, `{"n":"${secret}"}`]
      for (const body of bodies) {
        await kit.probe.inject({ channel: orders.name, group }, { body: Buffer.from(body), headers: { a: secret } })
      }
      const letters = await kit.eventually('the dead letters', async () => {
        const found = await kit.probe.readDeadLetters(orders.name, group)
        return found.length >= bodies.length ? found : undefined
      })
      const isRecord = ([name]: readonly [string, unknown]): boolean => name.startsWith('waybill-failure-')
      for (const { headers } of letters) shown.add('failure record', Object.entries(headers).filter(isRecord))
      for (const part of [messaging, consumer, await messaging.producer(orders), orders, messaging.health()]) {
        shown.add('a public object', part)
      }
      ok(shown.has('event deadLettered') && shown.has('spans'), 'events and spans were looked at')
      shown.add('output', written.end())
      deepEqual(shown.leaks(), [], 'where the secret was seen')
    },
  },
  {
    id: 'ERR-03',
    part: 'of the connection',
    needs: { faults: ['credentials', 'closeConnections'] },
    deadlineMs: 60_000,
    async run(kit) {
      const { url, secret } = await kit.faults.credentials()
      const shown = new Shown(secret)
      const written = captureOutput()
      kit.defer(async () => void written.end())
      const wrong = `${secret}-wrong`
      const refused = kit.connect({ target: url.replace(encodeURIComponent(secret), encodeURIComponent(wrong)) })
      shown.add('refused', await kit.expectRejection('unauthenticated', refused))
      const messaging = await kit.connect({ target: url, ...observing(kit, shown) })
      const forms = [secret, encodeURIComponent(secret), Buffer.from(`\0user\0${secret}`).toString('base64')]
      for (const form of forms) {
        await failWith(kit, shown, messaging, () => new Error(`the client said ${form}`, { cause: new Error(form) }))
      }
      await kit.faults.closeConnections()
      await kit.eventually('it noticed', () => shown.has('event disconnected'), kit.timings.recoverMs)
      await kit.eventually('it is back', () => messaging.health().status === 'up', kit.timings.recoverMs)
      shown.add('messaging', messaging)
      shown.add('health', messaging.health())
      shown.add('output', written.end())
      deepEqual(shown.leaks(), [], 'where the secret was seen')
    },
  },
]

/** Everything that is shown to anybody, searched for one secret. */
class Shown {
  readonly #secret: string
  readonly #places: { readonly place: string; readonly texts: readonly string[] }[] = []

  constructor(secret: string) {
    this.#secret = secret
  }

  add(place: string, value: unknown): void {
    const whole = inspect(value, { depth: 20, showHidden: true, maxStringLength: Infinity, maxArrayLength: Infinity })
    const stack = value instanceof Error ? [value.message, String(value.stack)] : []
    this.#places.push({ place, texts: [whole, json(value), ...stack] })
  }

  has(place: string): boolean {
    return this.#places.some((each) => each.place === place)
  }

  leaks(): string[] {
    const secret = this.#secret
    const base64 = [0, 1, 2].map((offset) => base64Core(secret, offset))
    const forms = [
      secret,
      encodeURIComponent(secret),
      encodeURI(secret),
      JSON.stringify(secret).slice(1, -1),
      ...base64,
    ]
    return this.#places.flatMap(({ place, texts }) =>
      texts.some((text) => forms.some((form) => text.includes(form))) ? [`${place}: ${texts[0]?.slice(0, 500)}`] : [],
    )
  }
}

/** The base64 digits that the text alone decides, wherever in the encoded bytes it begins. */
function base64Core(text: string, offset: number): string {
  const bytes = Buffer.concat([Buffer.alloc(offset), Buffer.from(text)])
  return bytes.toString('base64').slice(Math.ceil((offset * 8) / 6), Math.floor((bytes.length * 8) / 6))
}

function observing(kit: Kit, shown: Shown): Parameters<Kit['connect']>[0] & object {
  const recorder = new TelemetryRecorder()
  return {
    telemetry: openTelemetry(recorder.api),
    onEvent: (event: MessagingEvent) => {
      shown.add(`event ${event.type}`, event)
      shown.add('spans', recorder.spans)
      shown.add('measurements', recorder.measurements)
    },
  }
}

/** A handler fails so; what becomes of it is shown: events, spans, the dead letter on the broker and as listed. */
async function failWith(
  kit: Kit,
  shown: Shown,
  messaging: Awaited<ReturnType<Kit['connect']>>,
  makeError: () => Error,
): Promise<void> {
  const orders = kit.channel([group])
  const consumer = await messaging.consume(orders, { group, retry: once }, async () => {
    throw makeError()
  })
  const { id } = await messaging.send(orders, item())
  const [letter] = await kit.eventually('the dead letter', async () => {
    const letters = await kit.probe.readDeadLetters(orders.name, group)
    return letters.length > 0 ? letters : undefined
  })
  ok(letter?.headers['waybill-failure-message'] !== undefined, 'the failure is recorded')
  ok(/\*\*\*/.test(letter.headers['waybill-failure-message']), 'the secret is hidden, the rest is there')
  shown.add('dead letter', letter)
  shown.add('listed', await messaging.deadLetters(orders, group).get(id))
  await consumer.close()
}

/** Standard output and error, and the console of this process, until `end`, which gives what was written. */
function captureOutput(): { end(): string } {
  let text = ''
  const undo: (() => void)[] = []
  const spy = (target: object, name: string): void => {
    const methods = target as { [method: string]: (...args: unknown[]) => unknown }
    const original = methods[name]
    if (original === undefined) return
    methods[name] = (...args) => {
      text += args.map((each) => (typeof each === 'string' ? each : inspect(each, { depth: 10 }))).join(' ')
      return original.apply(target, args)
    }
    undo.push(() => (methods[name] = original))
  }
  for (const stream of [process.stdout, process.stderr]) spy(stream, 'write')
  for (const name of ['log', 'info', 'warn', 'error', 'debug']) spy(console, name)
  return {
    end() {
      for (const restore of undo.splice(0)) restore()
      return text
    },
  }
}

function json(value: unknown): string {
  try {
    return JSON.stringify(value) ?? ''
  } catch {
    return ''
  }
}
