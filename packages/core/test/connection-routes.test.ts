import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Configuration } from '../src/configuration.ts'
import { resolveConfiguration } from '../src/connection-routes.ts'
import type { Driver } from '../src/driver/driver.ts'
import { MessagingError } from '../src/messaging-error.ts'

const driver = { specVersion: 1, system: 'fake', connect: async () => {} } as unknown as Driver
const two = { a: 'memory:', b: 'memory:' }

function resolve(target: unknown, env: Record<string, string> = {}) {
  return resolveConfiguration(target as Configuration, env)
}

function failureOf(work: () => unknown): MessagingError {
  try {
    work()
  } catch (error) {
    if (error instanceof MessagingError) return error
    throw error
  }
  throw new Error('nothing was thrown')
}

describe('a single target', () => {
  test.each([['amqp://localhost'], [driver]])('%s is one connection for all channels', (target) => {
    const { connections, routeOf } = resolve(target)
    expect([...connections]).toEqual([['default', target]])
    expect(routeOf('anything')).toMatchObject({ connection: 'default', provision: 'create', groups: {}, settings: {} })
  })

  test('one named connection without channels serves all', () => {
    const { connections, routeOf } = resolve({ connections: { main: 'memory:' } })
    expect([...connections.keys()]).toEqual(['main'])
    expect(routeOf('anything').connection).toBe('main')
  })
})

describe('connections', () => {
  test('a record is its driver and its settings, with the environment read', () => {
    const connections = {
      events: {
        driver: 'kafka',
        brokers: ['k1:9092', { env: 'BROKER' }],
        sasl: { mechanism: 'plain', password: { env: 'PASSWORD' } },
        ssl: true,
        retries: 3,
        nothing: null,
        absent: undefined,
        env: 'kept: not a reference',
        both: { env: 'NOT_READ', more: 1 },
      },
    }
    const { connections: resolved } = resolve({ connections }, { PASSWORD: 's3cr3t', BROKER: 'k2:9092' })
    expect(resolved.get('events')).toEqual({
      driver: 'kafka',
      settings: {
        brokers: ['k1:9092', 'k2:9092'],
        sasl: { mechanism: 'plain', password: 's3cr3t' },
        ssl: true,
        retries: 3,
        nothing: null,
        env: 'kept: not a reference',
        both: { env: 'NOT_READ', more: 1 },
      },
    })
    expect(JSON.stringify(connections)).toContain('{"env":"PASSWORD"}')
  })

  test('drivers and URLs are taken as they are', () => {
    const { connections } = resolve({ connections: { a: driver, b: 'kafka://k' }, channels: { '*': 'a' } })
    expect([...connections]).toEqual([
      ['a', driver],
      ['b', 'kafka://k'],
    ])
  })
})

describe('routes', () => {
  const channels = {
    'orders.placed': 'exact',
    'orders.*': 'orders',
    'orders.priority.*': 'priority',
    'orders.p*': 'p',
    '*': 'rest',
  }
  const names = ['exact', 'orders', 'priority', 'p', 'rest']
  const configuration = { connections: Object.fromEntries(names.map((name) => [name, 'memory:'])), channels }

  test.each([
    ['orders.placed', 'exact'],
    ['orders.placed.late', 'p'],
    ['orders.priority.high', 'priority'],
    ['orders.shipped', 'orders'],
    ['orders', 'rest'],
    ['invoices', 'rest'],
  ])('%s goes to %s', (channel, connection) => {
    expect(resolve(configuration).routeOf(channel).connection).toBe(connection)
  })

  test('the order of writing does not matter', () => {
    const name = fc.string({ unit: fc.constantFrom('a', 'b', '.'), maxLength: 6 })
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.tuple(name, fc.boolean()), { selector: ([text, star]) => text + star }),
        name,
        (patterns, channel) => {
          const keys = patterns.map(([text, star]) => text + (star ? '*' : '')).filter((key) => key !== '')
          const record = Object.fromEntries(keys.map((key) => [key, key]))
          const { routeOf } = resolve({ connections: { ...record, spare: 'memory:' }, channels: record })
          const prefixes = keys.filter((key) => key.endsWith('*') && channel.startsWith(key.slice(0, -1)))
          const longest = prefixes.sort((a, b) => b.length - a.length)[0]
          const expected = keys.includes(channel) ? channel : longest
          if (expected === undefined) expect(() => routeOf(channel)).toThrow(MessagingError)
          else expect(routeOf(channel).connection).toBe(expected)
        },
      ),
    )
  })

  test('nothing is merged', () => {
    const { routeOf } = resolve({
      connections: two,
      channels: { 'x.*': { connection: 'a', provision: 'verify', topology: { shards: 8 } }, 'x.y': 'b' },
    })
    expect(routeOf('x.z')).toMatchObject({ connection: 'a', provision: 'verify', settings: { shards: 8 } })
    expect(routeOf('x.y')).toEqual({
      connection: 'b',
      provision: 'create',
      contentMode: 'binary',
      groups: {},
      settings: {},
    })
  })

  test('existing entities by name', () => {
    const { routeOf } = resolve({
      connections: { main: 'amqp://h' },
      channels: {
        'legacy.invoices': {
          connection: 'main',
          provision: 'none',
          address: 'inv.exchange',
          groups: JSON.parse('{"ledger":{"address":"inv.q","deadLetterAddress":"inv.err"},"constructor":{}}'),
        },
      },
    })
    const route = routeOf('legacy.invoices')
    expect(route).toEqual({
      connection: 'main',
      provision: 'none',
      contentMode: 'binary',
      address: 'inv.exchange',
      groups: { ledger: { address: 'inv.q', deadLetterAddress: 'inv.err' }, constructor: {} },
      settings: {},
    })
    expect(Object.getPrototypeOf(route.groups)).toBeNull()
    expect(route.groups['toString']).toBeUndefined()
  })

  test('a channel that nothing covers is named, with what to add', () => {
    const error = failureOf(() => resolve({ connections: two, channels: { 'x.*': 'a' } }).routeOf('orders.placed'))
    expect([error.code, error.channel]).toEqual(['invalidArgument', 'orders.placed'])
    for (const text of ['"orders.placed"', '"orders.*"', '"*"']) expect(error.message).toContain(text)
    expect(failureOf(() => resolve({ connections: two }).routeOf('plain')).message).toContain('"plain*"')
  })
})

describe('what is refused, at once and with the fix', () => {
  const one = { main: 'memory:' }
  const nested: Record<string, unknown> = {}
  nested['again'] = nested
  test.each<[unknown, string]>([
    ['', 'the URL is empty'],
    [undefined, 'not undefined'],
    [null, 'not null'],
    [42, 'not number'],
    [[], 'not an array'],
    [new Map(), 'expected a URL, a driver or { connections, channels }'],
    [{}, 'connections must be a record'],
    [{ connections: {} }, 'is empty; add one'],
    [{ connections: [] }, 'not an array'],
    [{ conections: one }, 'unknown option "conections": did you mean "connections"?'],
    [{ connections: one, chanels: {} }, 'did you mean "channels"?'],
    [{ url: 'x' }, 'there are "connections", "channels"'],
    [{ connections: { '': 'memory:' } }, 'a name is empty'],
    [{ connections: { main: '' } }, 'connection "main": the URL is empty'],
    [{ connections: { main: 7 } }, 'connection "main" must be a URL, a driver or a record with `driver`, not number'],
    [{ connections: { main: { url: 'x' } } }, '`driver` must name an adapter'],
    [{ connections: { main: { env: 'URL' } } }, "{ driver: 'rabbitmq', url: { env: 'AMQP_URL' } }"],
    [
      { connections: { main: { driver: 'x', password: { env: 'NOT_SET' } } } },
      'password: the environment variable NOT_SET is not set',
    ],
    [
      { connections: { main: { driver: 'x', a: [{ b: { env: 'NOT_SET' } }] } } },
      'connection "main": a[0]: b: the environment variable NOT_SET is not set; set it',
    ],
    [{ connections: { main: { driver: 'x', password: { env: 'toString' } } } }, 'toString is not set'],
    [{ connections: { main: { driver: 'x', password: { env: 7 } } } }, '{ env } must give the name of a variable'],
    [{ connections: { main: { driver: 'x', password: { env: '' } } } }, '{ env } must give the name of a variable'],
    [{ connections: { main: { driver: 'x', at: new Date(0) } } }, 'main": at: expected text'],
    [{ connections: { main: { driver: 'x', call: () => {} } } }, 'call: expected text'],
    [{ connections: { main: { driver: 'x', n: Number.NaN } } }, 'n: expected text, a number'],
    [{ connections: { main: { driver: 'x', nested } } }, 'nested too deeply'],
    [{ connections: JSON.parse('{"__proto__":"memory:"}') }, '"__proto__" cannot be a name'],
    [{ connections: { constructor: 'memory:' } }, '"constructor" cannot be a name'],
    [
      { connections: { main: { driver: 'x', o: JSON.parse('{"__proto__":1}') } } },
      '"__proto__" cannot be the name of a setting',
    ],
    [
      { connections: { main: { driver: 'x', o: JSON.parse('{"constructor":{"prototype":1}}') } } },
      '"constructor" cannot',
    ],
    [{ connections: one, channels: 'main' }, 'channels must be a record'],
    [{ connections: one, channels: null }, 'channels must be a record'],
    [{ connections: one, channels: { 'a*b': 'main' } }, 'the only "*" stands at the end'],
    [{ connections: one, channels: { '**': 'main' } }, 'the only "*" stands at the end'],
    [{ connections: one, channels: { '': 'main' } }, 'a name is empty'],
    [{ connections: one, channels: { c: 'mian' } }, 'unknown connection "mian": did you mean "main"?'],
    [{ connections: two, channels: { c: 'elsewhere' } }, 'there are "a", "b"'],
    [{ connections: one, channels: { c: 'constructor' } }, 'unknown connection "constructor"'],
    [{ connections: one, channels: { c: {} } }, '`connection` must be one of "main"'],
    [{ connections: one, channels: { c: 7 } }, "must be a connection's name or a record, not number"],
    [{ connections: one, channels: { c: { connection: 'main', adress: 'x' } } }, 'did you mean "address"?'],
    [{ connections: one, channels: { c: { connection: 'main', provision: 'always' } } }, '"create", "verify", "none"'],
    [{ connections: one, channels: { c: { connection: 'main', provision: null } } }, 'provision must be one of'],
    [
      { connections: one, channels: { c: { connection: 'main', address: '' } } },
      'address must be the name of an existing entity',
    ],
    [{ connections: one, channels: { c: { connection: 'main', groups: [] } } }, 'groups must be a record'],
    [{ connections: one, channels: { c: { connection: 'main', groups: { g: 'q' } } } }, 'group "g" must be a record'],
    [
      { connections: one, channels: { c: { connection: 'main', groups: { g: { dlq: 'q' } } } } },
      'unknown option "dlq"',
    ],
    [
      { connections: one, channels: { c: { connection: 'main', groups: { g: { address: 1 } } } } },
      'group "g": address must',
    ],
    [{ connections: one, channels: { c: { connection: 'main', topology: 'x' } } }, 'topology must be a record'],
    [
      { connections: one, channels: { c: { connection: 'main', topology: { a: { env: 'NO' } } } } },
      'topology: a: the environment variable NO',
    ],
    [{ connections: one, channels: { 'c.*': { connection: 'main', address: 'x' } } }, 'name each such channel'],
    [{ connections: one, channels: { '*': { connection: 'main', groups: { g: {} } } } }, 'name each such channel'],
  ])('%j', (target, text) => {
    const error = failureOf(() => resolve(target))
    expect(error.code).toBe('invalidArgument')
    expect(error.message).toContain(text)
  })

  test('no value of a setting is ever shown', () => {
    const secret = 'hunter2-value'
    const targets = [
      { connections: { main: { driver: secret.length, password: secret } } },
      { connections: { main: { driver: 'x', password: secret, other: { env: 'NOT_SET' } } } },
      { connections: { main: { driver: 'x', password: Symbol(secret) } } },
      { connections: { main: { driver: 'x', password: [secret, () => secret] } } },
    ]
    for (const target of targets)
      expect(failureOf(() => resolve(target, { SECRET: secret })).message).not.toContain(secret)
  })

  test('an empty variable is set', () => {
    const { connections } = resolve({ connections: { main: { driver: 'x', p: { env: 'EMPTY' } } } }, { EMPTY: '' })
    expect(connections.get('main')).toMatchObject({ settings: { p: '' } })
  })
})
