import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { inspect } from 'node:util'
import { afterAll, describe, expect, it } from 'vitest'
import { freshName, hold, send, topologyOf, until, wireMessage } from '@waybill/conformance/bench'
import { Bench, brokerUrl } from './rabbitmq-bench.ts'

const bench = new Bench()
const servers: Server[] = []
const sockets = new Set<Socket>()
afterAll(async () => {
  await bench.close()
  for (const server of servers) server.close()
  for (const socket of sockets) socket.destroy()
})

const codeOf = (error: unknown) => bench.driver.classify(error)
const thrownBy = (work: Promise<unknown>) =>
  work.then(
    () => undefined,
    (error: unknown) => error,
  )
const changed = (change: (url: URL) => void): string => {
  const url = new URL(brokerUrl)
  change(url)
  return url.href
}

/** Listens, and does with each socket what it is told. */
async function listening(onSocket: (socket: Socket) => void): Promise<string> {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    onSocket(socket)
  })
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return changed((url) => Object.assign(url, { host: `127.0.0.1:${(server.address() as AddressInfo).port}` }))
}

/** A way to the broker that can be made to swallow everything. */
async function swallowing(): Promise<{ url: string; swallow(): void; isClosed(): boolean }> {
  const { hostname, port } = new URL(brokerUrl)
  const all: [Socket, Socket][] = []
  const url = await listening((client) => {
    const server = connect(Number(port), hostname)
    sockets.add(server)
    server.on('error', () => {})
    client.pipe(server).pipe(client)
    all.push([client, server])
  })
  const swallow = () => {
    for (const [client, server] of all) {
      client.unpipe()
      server.unpipe()
      client.resume()
      server.resume()
    }
  }
  /** Half-closed is not closed: only then does a write come back as an error. */
  const isClosed = () => all.every(([client]) => client.destroyed || !client.write('x'.repeat(10)) || client.destroyed)
  return { url, swallow, isClosed }
}

describe('connecting', () => {
  it.each<[string, string, string]>([
    ['a wrong password', changed((url) => Object.assign(url, { password: 'planted-secret' })), 'unauthenticated'],
    ['no such vhost', changed((url) => Object.assign(url, { pathname: '/no-such-vhost' })), 'notFound'],
    ['nobody there', changed((url) => Object.assign(url, { host: '127.0.0.1:1' })), 'unavailable'],
    ['no such host', changed((url) => Object.assign(url, { hostname: 'no-such-host.invalid' })), 'unavailable'],
    ['no TLS there', changed((url) => Object.assign(url, { protocol: 'amqps:' })), 'failedPrecondition'],
  ])('with %s rejects', async (_, url, code) => {
    const error = await thrownBy(bench.open('send', undefined, bench.through(url)))
    expect(codeOf(error)).toBe(code)
    expect(inspect(error, { depth: 10, showHidden: true })).not.toContain('planted-secret')
  })

  it('names the vhost that it may not use', async () => {
    const error = await thrownBy(
      bench.open('send', undefined, bench.through(changed((url) => Object.assign(url, { pathname: '/a%25b' })))),
    )
    expect(String(error)).toContain('virtual host "a%b"')
  })

  it('gives up on one who does not answer, and leaves no socket', async () => {
    let closed = 0
    const url = await listening((socket) => socket.resume().on('end', () => closed++))
    const hurried = new Bench({ connectTimeoutMs: 200 })
    const startedAt = performance.now()
    expect(codeOf(await thrownBy(hurried.open('send', undefined, hurried.through(url))))).toBe('timeout')
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(200)
    expect(performance.now() - startedAt).toBeLessThan(2_000)
    await until('the socket is closed', () => closed === 1)
  })

  it('stops promptly when aborted, before and in the middle', async () => {
    const url = await listening((socket) => socket.resume())
    const reason = new Error('not any more')
    for (const when of ['before', 'later']) {
      const controller = new AbortController()
      if (when === 'before') controller.abort(reason)
      const context = { ...contextOf(), signal: controller.signal }
      const { rabbitmq } = await import('../src/index.ts')
      const connecting = thrownBy(rabbitmq({ url }).connect(context))
      setTimeout(() => controller.abort(reason), 50)
      expect(await connecting).toBe(reason)
    }
  })

  it('says who is connected', async () => {
    const named = new Bench({ connectionName: freshName('named') })
    const opened = await named.open('receive')
    expect(opened.events).toEqual([])
    await named.close()
  })
})

describe('a dead link', () => {
  it('is noticed within two heartbeats, fails what is in flight, and leaves no socket', async () => {
    const heartbeatMs = 2_000
    const impatient = new Bench({ heartbeatMs })
    const { url, swallow, isClosed } = await swallowing()
    const name = freshName()
    const opened = await impatient.open('send', topologyOf(name), impatient.through(url))
    const received = await hold(opened.connection, { source: { channel: name, group: 'group' } })
    swallow()
    const startedAt = performance.now()
    const [outcome] = await send(opened.connection, { channel: name }, [wireMessage()])
    expect(performance.now() - startedAt).toBeLessThan(2 * heartbeatMs)
    expect(outcome).toMatchObject({ outcome: 'unknown' })
    expect(codeOf(outcome!.error)).toBe('unavailable')
    expect(codeOf(await received.ended)).toBe('unavailable')
    expect(opened.events.map(({ kind }) => kind)).toEqual(['lost'])
    await until('the socket is closed', isClosed)
    await opened.connection.close()
    await opened.connection.close()
  }, 15_000)

  it('does not keep close waiting longer than the epoch', async () => {
    const { url, swallow } = await swallowing()
    const name = freshName()
    const opened = await bench.open('send', topologyOf(name), bench.through(url))
    swallow()
    const sent = send(opened.connection, { channel: name }, [wireMessage()])
    const closed = opened.connection.close()
    setTimeout(() => opened.abort(new Error('the time is over')), 100)
    await closed
    expect(codeOf((await sent)[0]!.error)).toBe('unavailable')
    expect(opened.events).toEqual([])
  })
})

function contextOf() {
  return {
    role: 'send' as const,
    instance: 'link',
    clock: { now: () => Date.now(), monotonic: () => performance.now(), after: later },
    random: { next: () => 0.5, fill: () => {} },
    logger: { warn: () => {} },
    report: () => {},
  }
}

function later(delayMs: number, callback: () => void) {
  const timer = setTimeout(callback, delayMs)
  return { cancel: () => clearTimeout(timer) }
}
