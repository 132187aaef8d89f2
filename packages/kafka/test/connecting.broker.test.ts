import { createServer, type AddressInfo, type Server } from 'node:net'
import { type DriverConnection, systemClock, systemRandom } from '@waybill/core/driver'
import { startTlsFront } from '@waybill/brokers'
import { afterAll, describe, expect, inject, it } from 'vitest'
import { kafka, type KafkaOptions, type SaslMechanism } from '../src/index.ts'
import { freshName, numbered, send, topologyOf } from '@waybill/conformance/bench'

const { url, tlsUrl = '', saslUrl = '', saslTlsUrl = '', certificates } = inject('kafka')
const ca = certificates?.ca ?? ''
const opened: DriverConnection[] = []
const servers: Server[] = []
afterAll(async () => {
  await Promise.all(opened.map((connection) => connection.close()))
  for (const server of servers) server.close()
})

async function open(options: KafkaOptions, signal = new AbortController().signal): Promise<DriverConnection> {
  const connection = await kafka(options).connect({
    role: 'send',
    instance: 'connecting',
    clock: systemClock,
    random: systemRandom,
    logger: { warn: () => {} },
    signal,
    report: () => {},
  })
  opened.push(connection)
  return connection
}

/** The code of what comes of it, and how long that took. */
async function failure(
  options: KafkaOptions,
  signal?: AbortSignal,
): Promise<{ code: string; text: string; ms: number }> {
  const before = performance.now()
  const error = await open(options, signal).then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  return { code: kafka(options).classify(error), text: String(error), ms: performance.now() - before }
}

async function works(options: KafkaOptions): Promise<void> {
  const name = freshName()
  const connection = await open(options)
  await connection.provision(topologyOf(name), 'create')
  expect((await send(connection, { channel: name }, numbered(3))).map(({ error }) => error)).toEqual([
    undefined,
    undefined,
    undefined,
  ])
}

/** Somebody who takes connections and says nothing. */
async function silence(): Promise<string> {
  const server = createServer(() => {})
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return `127.0.0.1:${(server.address() as AddressInfo).port}`
}

const nobody = '127.0.0.1:9'
const broker = new URL(url.replace(/^kafka:/, 'http:')).host

describe('a connection', () => {
  it('is found through any broker that is named', async () => {
    await works({ url: `kafka://${nobody},${broker}` })
    await works({ url: `kafka://${broker},${nobody}` })
  })

  it.each<SaslMechanism>(['plain', 'scram-sha-256', 'scram-sha-512'])('proves who it is by %s', async (sasl) => {
    await works({ url: saslUrl, sasl })
  })

  it('is encrypted, with and without credentials', async () => {
    await works({ url: tlsUrl, tls: { ca } })
    await works({ url: saslTlsUrl, sasl: 'scram-sha-512', tls: { ca } })
    await works({ url: tlsUrl, tls: { allowUnverified: true } })
  })
})

describe('no connection', () => {
  it('where nobody is, nor where there is no host', async () => {
    expect(await failure({ url: `kafka://${nobody}` })).toMatchObject({ code: 'unavailable' })
    expect(await failure({ url: `kafka://${nobody},${nobody}` })).toMatchObject({ code: 'unavailable' })
    expect(await failure({ url: 'kafka://no-such-host.invalid' })).toMatchObject({ code: 'unavailable' })
  })

  it('where nobody speaks, within the deadline', async () => {
    const { code, ms } = await failure({ url: `kafka://${await silence()}`, connectTimeoutMs: 700 })
    expect(['timeout', 'unavailable']).toContain(code)
    expect(ms).toBeLessThan(1_500)
  })

  it('once it is given up, at once', async () => {
    const controller = new AbortController()
    setTimeout(() => controller.abort(new DOMException('enough', 'AbortError')), 50)
    const { code, ms } = await failure({ url: `kafka://${await silence()}` }, controller.signal)
    expect(code).toBe('aborted')
    expect(ms).toBeLessThan(1_000)
  })

  it.each<SaslMechanism>(['plain', 'scram-sha-256', 'scram-sha-512'])('with a wrong password, by %s', async (sasl) => {
    const wrong = await failure({ url: saslUrl, username: 'waybill', password: 'wr0ng-secret', sasl })
    expect(wrong.code).toBe('unauthenticated')
    expect(wrong.text).not.toContain('wr0ng-secret')
    expect((await failure({ url: saslUrl, username: 'nobody', password: 'x', sasl })).code).toBe('unauthenticated')
  })

  it.each<[string, KafkaOptions]>([
    ['whose certificate nobody vouches for', { url: tlsUrl }],
    ['which is called otherwise', { url: tlsUrl, tls: { ca, servername: 'other.example' } }],
  ])('to a broker %s', async (_, options) => {
    expect((await failure(options)).code).toBe('unauthenticated')
  })

  it('to a broker whose certificate is over', async () => {
    const { hostname: host, port } = new URL(url.replace(/^kafka:/, 'http:'))
    const front = await startTlsFront({ target: { host, port: Number(port) }, certificate: certificates!.expired })
    try {
      expect((await failure({ url: `kafkas://127.0.0.1:${front.port}`, tls: { ca } })).code).toBe('unauthenticated')
    } finally {
      await front.close()
    }
  })

  it('with TLS where there is none, nor without where there is', async () => {
    const { code, ms } = await failure({ url: `kafkas://${broker}`, tls: { ca }, connectTimeoutMs: 2_000 })
    expect(['unavailable', 'failedPrecondition', 'timeout']).toContain(code)
    expect(ms).toBeLessThan(3_000)
    const plain = await failure({ url: tlsUrl.replace('kafkas:', 'kafka:'), connectTimeoutMs: 2_000 })
    expect(['unavailable', 'failedPrecondition', 'timeout']).toContain(plain.code)
    expect(plain.ms).toBeLessThan(3_000)
  })
})
