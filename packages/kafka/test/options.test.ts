import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { adapter, kafka, type KafkaOptions } from '../src/index.ts'
import { checkKafkaOptions, optionsFromUrl } from '../src/kafka-options.ts'

const url = 'kafka://localhost'
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
    ['kafka://localhost', { secure: false, brokers: ['localhost:9092'], username: undefined, password: undefined }],
    ['kafka:', { secure: false, brokers: ['localhost:9092'] }],
    ['kafka://', { brokers: ['localhost:9092'] }],
    ['kafkas://broker:9093/', { secure: true, brokers: ['broker:9093'] }],
    ['kafka://a:1,b,c:65535', { brokers: ['a:1', 'b:9092', 'c:65535'] }],
    ['kafka://[::1]:9094,[fe80::2]', { brokers: ['[::1]:9094', '[fe80::2]:9092'] }],
  ])('%s', (address, expected) => {
    expect(checkKafkaOptions({ url: address })).toMatchObject(expected)
  })

  it('has credentials for all brokers', () => {
    const settings = checkKafkaOptions({ url: 'kafka://u%40x:p%2Fw%2C@a,b', sasl: 'plain' })
    expect(settings).toMatchObject({ username: 'u@x', password: 'p/w,', brokers: ['a:9092', 'b:9092'], sasl: 'plain' })
  })

  it('gives way to options', () => {
    const options = { url: 'kafka://a:b@h', username: 'c', password: 'd', sasl: 'scram-sha-512' } as const
    expect(checkKafkaOptions(options)).toMatchObject({ username: 'c', password: 'd' })
  })
})

describe('options', () => {
  it.each<[string, unknown, RegExp]>([
    ['misspelt', { url, heartbeatMS: 1 }, /unknown option "heartbeatMS": did you mean "heartbeatMs"\?/],
    ['inherited', { url, constructor: 1 }, /unknown option "constructor"/],
    ['misspelt in tls', { url: 'kafkas://h', tls: { servernam: 'x' } }, /unknown option "tls.servernam"/],
    ['silently unverified', { url: 'kafkas://h', tls: { rejectUnauthorized: false } }, /unknown option/],
    ['without url', {}, /url is missing/],
    ['no record', 'kafka://h', /options must be a record/],
    ['of another broker', { url: 'amqp://h' }, /must begin with kafka: or kafkas:/],
    ['no URL', { url: 'localhost:9092' }, /must begin with kafka|is no URL/],
    ['with a path', { url: 'kafka://h/vhost' }, /no path/],
    ['with parameters in url', { url: 'kafka://h?partitions=2' }, /no parameters/],
    ['with an empty broker', { url: 'kafka://a,,b' }, /no host:port/],
    ['with port 0', { url: 'kafka://a:0' }, /no host:port/],
    ['with port 65536', { url: 'kafka://a:65536' }, /no host:port/],
    ['with a bare %', { url: 'kafka://u:%@h', sasl: 'plain' }, /% that encodes nothing/],
    ['with a password alone', { url, password: 'x' }, /username and password together/],
    ['with credentials and no mechanism', { url: 'kafka://u:p@h' }, /need sasl/],
    ['with a mechanism and no credentials', { url, sasl: 'plain' }, /needs a username/],
    ['with an unknown mechanism', { url: 'kafka://u:p@h', sasl: 'gssapi' }, /sasl must be one of/],
    ['with tls in the clear', { url, tls: { ca: 'x' } }, /kafkas:/],
    ['with half a certificate', { url: 'kafkas://h', tls: { cert: 'x' } }, /tls.cert and tls.key together/],
    ['with tls that is none', { url: 'kafkas://h', tls: 'x' }, /tls must be a record/],
    ['with no partitions', { url, partitions: 0 }, /partitions must be a whole number from 1/],
    ['with a part of a partition', { url, partitions: 1.5 }, /partitions must be a whole number/],
    ['with a session of two heartbeats', { url, heartbeatMs: 3_000, sessionTimeoutMs: 6_000 }, /three times/],
    ['with messages of no size', { url, maxMessageBytes: 10 }, /maxMessageBytes must be/],
  ])('%s are refused', (_, options, what) => {
    expect(thrownBy(() => kafka(options as KafkaOptions))).toEqual(invalid(what))
  })

  it('have defaults', () => {
    expect(checkKafkaOptions({ url })).toMatchObject({
      partitions: 4,
      replicationFactor: -1,
      maxMessageBytes: 1_048_588,
      setsMaxMessageBytes: false,
      heartbeatMs: 3_000,
      sessionTimeoutMs: 30_000,
    })
  })

  it('come from a URL too', () => {
    const from = 'kafkas://u:p@a:1,b?sasl=plain&partitions=12&tls.servername=broker&tls.allowUnverified=true'
    expect(optionsFromUrl(from)).toEqual({
      url: 'kafkas://u:p@a:1,b',
      sasl: 'plain',
      partitions: 12,
      tls: { servername: 'broker', allowUnverified: true },
    })
    expect(adapter.fromUrl(from).capabilities.order).toBe('key')
  })

  it.each<[string, RegExp]>([
    ['kafka://h?partition=2', /did you mean "partitions"\?/],
    ['kafka://h?url=x', /unknown option "url"/],
    ['kafka://h?__proto__=x', /unknown option "__proto__"/],
    ['kafka://h?partitions=many', /partitions must be a whole number/],
    ['kafkas://h?tls.allowUnverified=yes', /tls.allowUnverified must be true or false/],
  ])('in %s are refused', (from, what) => {
    expect(thrownBy(() => adapter.fromUrl(from))).toEqual(invalid(what))
  })

  it('of a record are those of the code', () => {
    expect(adapter.fromSettings({ url, maxMessageBytes: 2_000_000 }).capabilities.maxBodyBytes).toBe(1_951_412)
    expect(thrownBy(() => adapter.fromSettings({ url, shards: 2 }))).toEqual(invalid(/unknown option "shards"/))
  })
})

describe('secrets', () => {
  it('are told to the core and shown to nobody', () => {
    const driver = kafka({
      url: 'kafkas://u:s3cret@h',
      sasl: 'plain',
      tls: { cert: 'c', key: 'k3y', passphrase: 'phr4se' },
    })
    expect(driver.secrets?.()).toEqual(['s3cret', 'k3y', 'phr4se'])
    expect(inspect(driver, { depth: 9, showHidden: true })).not.toMatch(/s3cret|k3y|phr4se/)
  })

  it.each(['kafka://u:s3cret@h:x', 'kafka://u:s3cret@h', 'kafkas://u:s3cret@a,,b'])('are in no error: %s', (bad) => {
    expect(inspect(thrownBy(() => kafka({ url: bad })))).not.toMatch(/s3cret/)
  })
})

describe('numbers', () => {
  it('leave room for the envelope beside the largest body', () => {
    const { maxBodyBytes, maxHeaderBytes, maxHeaders = 0, send } = kafka({ url }).capabilities
    const lengths = (maxHeaders + 16) * (10 + 'waybill-header-'.length)
    expect(maxBodyBytes + maxHeaderBytes + lengths + 200).toBeLessThanOrEqual(1_048_588)
    expect(send.maxBatchBytes).toBeGreaterThanOrEqual(1_048_588)
  })
})
