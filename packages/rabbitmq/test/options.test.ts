import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { adapter, rabbitmq, type RabbitmqOptions } from '../src/index.ts'
import { heartbeatSeconds } from '../src/rabbitmq-link.ts'
import { checkRabbitmqOptions, optionsFromUrl } from '../src/rabbitmq-options.ts'

const url = 'amqp://localhost'
const invalid = (what: RegExp) =>
  expect.objectContaining({ code: 'invalidArgument', message: expect.stringMatching(what) })

function thrownBy(work: () => unknown): unknown {
  try {
    work()
  } catch (error) {
    return error
  }
  throw new Error('nothing was thrown')
}

describe('the address', () => {
  it.each<[string, object]>([
    [
      'amqp://localhost',
      { secure: false, hostname: 'localhost', port: 5672, username: 'guest', password: 'guest', vhost: '/' },
    ],
    ['amqps://broker/', { secure: true, hostname: 'broker', port: 5671, vhost: '/' }],
    ['amqp://', { hostname: 'localhost' }],
    ['amqp://u%40x:p%2Fw@h:1234/a%2Fb', { username: 'u@x', password: 'p/w', hostname: 'h', port: 1234, vhost: 'a/b' }],
    ['amqp://u:@h', { username: 'u', password: '' }],
    ['amqp://[::1]:5673/%2F', { hostname: '::1', port: 5673, vhost: '/' }],
  ])('%s', (address, expected) => {
    expect(checkRabbitmqOptions({ url: address })).toMatchObject(expected)
  })

  it('gives way to options', () => {
    const settings = checkRabbitmqOptions({ url: 'amqp://a:b@h/v', username: 'c', password: 'd', vhost: 'w' })
    expect(settings).toMatchObject({ username: 'c', password: 'd', vhost: 'w' })
  })
})

describe('options', () => {
  it.each<[string, object, RegExp]>([
    ['misspelt', { url, heartbeatMS: 1 }, /unknown option "heartbeatMS": did you mean "heartbeatMs"\?/],
    [
      'misspelt in tls',
      { url: 'amqps://h', tls: { servernam: 'x' } },
      /unknown option "tls.servernam": did you mean "tls.servername"\?/,
    ],
    [
      'silently unverified',
      { url: 'amqps://h', tls: { rejectUnauthorized: false } },
      /unknown option "tls.rejectUnauthorized"/,
    ],
    ['unknown', { url, recovery: true }, /unknown option "recovery": there are "url"/],
    ['no url', {}, /url is missing/],
    ['no record', 'amqp://localhost' as unknown as object, /must be a record/],
    ['another scheme', { url: 'http://h' }, /must begin with amqp: or amqps:/],
    ['no URL', { url: 'nonsense' }, /url is no URL/],
    ['parameters in url', { url: 'amqp://h?shards=2' }, /give them as options/],
    ['a stray percent', { url: 'amqp://u:%zz@h' }, /% that encodes nothing/],
    ['a fraction', { url, shards: 1.5 }, /shards must be a whole number from 1 to 256/],
    ['too many', { url, shards: 257 }, /shards must be/],
    ['a text for a number', { url, heartbeatMs: '5000' }, /heartbeatMs must be/],
    ['a heartbeat too short', { url, heartbeatMs: 1_999 }, /heartbeatMs must be/],
    ['a body past the maximum', { url, maxBodyBytes: 16_777_217 }, /maxBodyBytes must be/],
    ['a user without password', { url, username: 'u' }, /username and password together/],
    ['TLS options without TLS', { url, tls: { servername: 'x' } }, /need a url that begins with amqps:/],
    ['a certificate without key', { url: 'amqps://h', tls: { cert: 'c' } }, /tls.cert and tls.key together/],
    ['tls as no record', { url: 'amqps://h', tls: true }, /tls must be a record/],
  ])('%s is refused', (_, options, what) => {
    expect(thrownBy(() => rabbitmq(options as RabbitmqOptions))).toEqual(invalid(what))
  })

  it('from a URL are those of a record', () => {
    const settings = optionsFromUrl(
      'amqps://u:p@h:1/v?heartbeatMs=5000&connectionName=me&tls.servername=s&tls.allowUnverified=true',
    )
    expect(settings).toEqual({
      url: 'amqps://u:p@h:1/v',
      heartbeatMs: 5_000,
      connectionName: 'me',
      tls: { servername: 's', allowUnverified: true },
    })
  })

  it.each<[string, RegExp]>([
    ['amqp://h?heartbeat=5', /unknown option "heartbeat": did you mean/],
    ['amqp://h?url=x', /unknown option "url"/],
    ['amqp://h?shards=many', /shards must be a whole number/],
    ['amqps://h?tls.allowUnverified=yes', /must be true or false/],
  ])('from the URL %s are refused', (address, what) => {
    expect(thrownBy(() => adapter.fromUrl(address))).toEqual(invalid(what))
  })

  it('come from a record of the configuration', () => {
    const { capabilities } = adapter.fromSettings({
      url,
      consumerTimeoutMs: 60_000,
      maxBodyBytes: 1_000,
      redeliveryHorizonMs: 5,
    })
    expect(capabilities).toMatchObject({ holdMs: 60_000, maxBodyBytes: 1_000, redeliveryHorizonMs: 5 })
  })
})

describe('the password', () => {
  const secret = 'hunter2-planted'

  it.each([
    ['a wrong option', { url: `amqp://u:${secret}@h`, shards: 0 }],
    ['no URL', { url: `amqp//u:${secret}@h` }],
    ['another scheme', { url: `http://u:${secret}@h` }],
    ['parameters', { url: `amqp://u:${secret}@h?x=1` }],
    ['a bad port', { url: `amqp://u:${secret}@h:99999` }],
  ])('is in no error: %s', (_, options) => {
    expect(
      inspect(
        thrownBy(() => rabbitmq(options)),
        { depth: 10, showHidden: true },
      ),
    ).not.toContain(secret)
  })

  it('is not in a driver that is inspected', () => {
    const driver = rabbitmq({ url: `amqp://u:${secret}@h` })
    expect(inspect(driver, { depth: 10, showHidden: true }) + JSON.stringify(driver)).not.toContain(secret)
  })
})

describe('the heartbeat', () => {
  it.each([2_000, 3_000, 10_000, 60_000, 600_000])('of %i ms is noticed to be missing within two', (heartbeatMs) => {
    const noticedAfterMs = heartbeatSeconds(heartbeatMs) * 3 * 1_000
    expect(noticedAfterMs).toBeLessThanOrEqual(2 * heartbeatMs)
    expect(noticedAfterMs).toBeGreaterThan(heartbeatMs)
  })
})
