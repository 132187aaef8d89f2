import { deepEqual, equal, ok } from 'node:assert/strict'
import type { MessagingEvent } from '@waybill/core'
import type { Behaviour } from '../../behaviour.ts'
import { item, items, sendItems, type Item } from '../../item.ts'
import type { Kit } from '../../kit.ts'
import { refusesRetries, retries } from '../rty/letters.ts'

const group = 'billing'
const twice = { maxAttempts: 2, delaysMs: [50] }

/** Whatever a handler throws, and however: the message is dead-lettered, the process lives, the others go on. */
export const handlers: readonly Behaviour[] = [
  {
    id: 'ERR-05',
    needs: { capability: retries },
    run: (kit) =>
      survive(kit, (messaging, orders, thrower) =>
        messaging.consume(orders, { group, retry: twice }, async ({ n }) => thrower(n)),
      ),
    refusal: refusesRetries,
  },
  {
    id: 'ERR-05',
    part: 'before the first await',
    needs: { capability: retries },
    run: (kit) =>
      survive(kit, (messaging, orders, thrower) =>
        messaging.consume(orders, { group, retry: twice }, ({ n }) => Promise.resolve(thrower(n))),
      ),
    refusal: refusesRetries,
  },
  {
    id: 'ERR-05',
    part: 'in a batch',
    needs: { capability: retries },
    run: (kit) =>
      survive(kit, (messaging, orders, thrower) =>
        messaging.consumeBatch(orders, { group, retry: twice, maxSize: 4, maxWaitMs: 20 }, async (batch) => {
          for (const { data } of batch) thrower(data.n)
        }),
      ),
    refusal: refusesRetries,
  },
  {
    id: 'ERR-05',
    part: 'in a middleware and in retryIf',
    needs: { capability: retries },
    run: (kit) =>
      survive(kit, (messaging, orders, thrower) => {
        const handle = async (context: { readonly message: { readonly data: unknown } }): Promise<void> =>
          thrower((context.message.data as Item).n)
        const retryIf = (error: unknown): boolean => {
          throw error
        }
        return messaging.consume(orders, { group, retry: twice, retryIf, middleware: [{ handle }] }, async () => {})
      }),
    refusal: refusesRetries,
  },
  {
    id: 'ERR-06',
    needs: { capability: retries },
    async run(kit) {
      const seen: unknown[] = []
      const listener = (error: unknown): void => void seen.push(error)
      process.on('unhandledRejection', listener).on('uncaughtException', listener)
      kit.defer(async () => void process.off('unhandledRejection', listener).off('uncaughtException', listener))
      const orders = kit.channel([group])
      const events: MessagingEvent[] = []
      const messaging = await kit.connect({
        onEvent: (event) => {
          events.push(event)
          throw new Error('an observer that throws')
        },
      })
      const gate = kit.gate()
      const runs = kit.record<Item>(group)
      const handler = runs.handler(async ({ n }, { signal }) => {
        if (n % 3 === 0) throw null
        if (n % 3 === 1)
          await Promise.race([gate.opened, new Promise((_, reject) => signal.addEventListener('abort', reject))])
      })
      await messaging.consume(orders, { group, retry: twice, timeoutMs: 200 }, handler)
      const sends = items(30).map((each) => messaging.send(orders, each, { timeoutMs: each.n % 10 === 9 ? 0 : 5_000 }))
      const outcomes = Promise.allSettled(sends)
      const invalid = messaging.send(orders, { n: 'x' } as unknown as Item)
      await kit.expectRejection('invalidArgument', invalid)
      await kit.within('the sends', outcomes)
      await kit.eventually('dead letters', () => events.filter(({ type }) => type === 'deadLettered').length >= 5)
      await kit.within('close', messaging.close({ drainMs: 500 }))
      gate.open()
      await new Promise((resolve) => setImmediate(resolve))
      deepEqual(seen, [], 'errors that reached nobody')
    },
    refusal: refusesRetries,
  },
]

type Orders = ReturnType<Kit['channel']>
type Messaging = Awaited<ReturnType<Kit['connect']>>

async function survive(
  kit: Kit,
  consume: (messaging: Messaging, orders: Orders, thrower: (n: number) => void) => Promise<unknown>,
): Promise<void> {
  const orders = kit.channel([group])
  const kinds = Object.entries(thrown())
  const messaging = await kit.connect()
  const handled: number[] = []
  await consume(messaging, orders, (n) => {
    const kind = kinds[n]
    if (kind === undefined) handled.push(n)
    else throw kind[1]()
  })
  const bad = await sendItems(messaging, orders, items(kinds.length))
  const good = await sendItems(messaging, orders, [item(1_000), item(1_001)])
  const letters = await kit.eventually('a dead letter for each', async () => {
    const found = await kit.probe.readDeadLetters(orders.name, group)
    return found.length >= bad.length ? found : undefined
  })
  deepEqual(letters.map(({ attributes }) => attributes.id).sort(), [...bad].sort())
  for (const [n, [kind]] of kinds.entries()) {
    const letter = letters.find(({ attributes }) => attributes.id === bad[n])
    ok((letter?.headers['waybill-failure-type'] ?? '') !== '', `${kind}: the type is recorded`)
    ok(letter?.headers['waybill-failure-message'] !== undefined, `${kind}: the message is recorded`)
    equal(letter?.headers['waybill-failure-attempts'], '2', `${kind}: attempts`)
  }
  await kit.eventually('the good ones are handled', () => new Set(handled).size === good.length)
  const [later = ''] = await sendItems(messaging, orders, [item(2_000)])
  await kit.eventually(`${later} is handled after all that`, () => handled.includes(2_000))
}

/** Everything that JavaScript lets one throw, its own code failing included. */
function thrown(): { readonly [kind: string]: () => unknown } {
  const circular: { self?: unknown; message: string } = { message: 'circular' }
  circular.self = circular
  const caused = new Error('its own cause')
  caused.cause = caused
  const hostile = new Proxy(new Error('hostile'), {
    get: () => {
      throw new Error('a trap that throws')
    },
    has: () => {
      throw new Error('a trap that throws')
    },
    getPrototypeOf: () => {
      throw new Error('a trap that throws')
    },
  })
  const { proxy: revoked, revoke } = Proxy.revocable({}, {})
  revoke()
  const getter = Object.defineProperty(new Error(), 'message', {
    get: () => {
      throw new Error('a getter that throws')
    },
  })
  const values = {
    null: null,
    undefined: undefined,
    string: 'text',
    'empty string': '',
    number: 7,
    NaN: Number.NaN,
    bigint: 7n,
    symbol: Symbol('thrown'),
    function: () => {},
    object: { code: 7 },
    'null prototype': Object.create(null),
    circular,
    caused,
    frozen: Object.freeze(new Error('frozen')),
    aggregate: new AggregateError([new Error('one'), null], 'several'),
    'no stack': Object.assign(new Error('no stack'), { stack: undefined }),
    'odd name': Object.assign(new Error('odd name'), { name: { not: 'text' } }),
    'control characters': new Error('line\r\nbreak\0 and \u0007 bell'),
    'lone surrogate': new Error('\ud800 alone'),
    huge: new Error('x'.repeat(500_000)),
    getter,
    hostile,
    revoked,
    // biome-ignore lint/suspicious/noThenProperty: what a promise would be fooled by is thrown on purpose
    thenable: { then: () => {} },
  }
  return Object.fromEntries(Object.entries(values).map(([kind, value]) => [kind, () => value]))
}
