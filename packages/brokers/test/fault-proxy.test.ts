import { createHash, randomBytes } from 'node:crypto'
import { connect } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { eventually, startFaultProxy, type FaultProxyOptions } from '../src/index.ts'
import { connectClient, type EchoClient, startEchoServer } from './echo-server.ts'

async function scene(options: Omit<FaultProxyOptions, 'target'> = {}, answer: 'echo' | 'neverRead' = 'echo') {
  const server = await startEchoServer(answer)
  const proxy = await startFaultProxy({ target: { host: '127.0.0.1', port: server.port }, ...options })
  const clients: EchoClient[] = []
  return {
    server,
    proxy,
    async client() {
      const client = await connectClient(proxy.port)
      clients.push(client)
      return client
    },
    async [Symbol.asyncDispose]() {
      for (const { socket } of clients) socket.destroy()
      await proxy.close()
      await server[Symbol.asyncDispose]()
    },
  }
}

const echoed = (client: EchoClient, text: string): Promise<unknown> =>
  eventually(`echo of "${text}"`, 2_000, async () => client.received().endsWith(text) || undefined, 5)

async function says(client: EchoClient, text: string): Promise<void> {
  client.socket.write(text)
  await echoed(client, text)
}

describe('a proxy without a fault', () => {
  test('passes both ways, counts bytes, and shows each passage', async () => {
    const seen: string[] = []
    await using s = await scene({
      onData: ({ connection, direction, bytes }) => seen.push(`${connection} ${direction} ${bytes}`),
    })
    const client = await s.client()
    await says(client, 'hello')
    expect(s.proxy.bytes).toEqual({ toServer: 5, toClient: 5 })
    expect(s.proxy.connections).toBe(1)
    expect(seen).toEqual(['1 toServer hello', '1 toClient hello'])
  })

  test('keeps 20 MB byte for byte', async () => {
    await using s = await scene()
    const data = randomBytes(20_000_000)
    const hash = createHash('sha256')
    let length = 0
    const socket = connect(s.proxy.port, '127.0.0.1')
    socket.on('data', (bytes: Buffer) => {
      length += bytes.length
      hash.update(bytes)
    })
    socket.write(data)
    await eventually('all bytes back', 10_000, async () => length === data.length || undefined, 10)
    expect(hash.digest('hex')).toBe(createHash('sha256').update(data).digest('hex'))
    socket.destroy()
  })

  test('passes on the end of a connection from either side and forgets it', async () => {
    await using s = await scene()
    const first = await s.client()
    await says(first, 'a')
    first.socket.end()
    expect(await first.over).toBe('closed')
    const second = await s.client()
    await says(second, 'b')
    for (const socket of s.server.open) socket.end()
    expect(await second.over).toBe('closed')
    await eventually('no connection left', 1_000, async () => s.proxy.connections === 0 || undefined, 5)
    expect(s.proxy.accepted).toBe(2)
  })

  test('passes on a reset from the server', async () => {
    await using s = await scene()
    const client = await s.client()
    await says(client, 'a')
    for (const socket of s.server.open) socket.resetAndDestroy()
    expect(await client.over).toBe('ECONNRESET')
  })

  test('resets the client when nobody listens behind it', async () => {
    const gone = await startEchoServer()
    await gone[Symbol.asyncDispose]()
    await using proxy = await startFaultProxy({ target: { host: '127.0.0.1', port: gone.port } })
    const client = await connectClient(proxy.port)
    expect(await client.over).toBe('ECONNRESET')
  })

  test('slows a sender down rather than buffering', async () => {
    await using s = await scene({}, 'neverRead')
    const client = await s.client()
    const chunk = randomBytes(1 << 20)
    for (let sent = 0; sent < 64; sent += 1) client.socket.write(chunk)
    await pause(500)
    expect(s.proxy.bytes.toServer).toBeGreaterThan(0)
    expect(client.socket.writableLength).toBeGreaterThan(32 << 20)
  })

  test('url() keeps everything but the address', async () => {
    await using s = await scene()
    expect(s.proxy.url('amqp://user:p%40ss@localhost:5672/my%2Fhost?heartbeat=5')).toBe(
      `amqp://user:p%40ss@127.0.0.1:${s.proxy.port}/my%2Fhost?heartbeat=5`,
    )
  })
})

describe('cut', () => {
  test('resets every connection on both sides, and lets new ones pass', async () => {
    await using s = await scene()
    const clients = [await s.client(), await s.client(), await s.client()]
    for (const client of clients) await says(client, 'x')
    expect(s.proxy.cut()).toBe(3)
    for (const client of clients) expect(await client.over).toBe('ECONNRESET')
    await eventually('resets at the server', 1_000, async () => s.server.errors.length === 3 || undefined, 5)
    expect(new Set(s.server.errors)).toEqual(new Set(['ECONNRESET']))
    expect(s.proxy.connections).toBe(0)
    expect(s.proxy.cut()).toBe(0)
    await says(await s.client(), 'again')
  })

  test('called while a piece is shown, that piece is not forwarded', async () => {
    let cutAt = ''
    await using s = await scene({
      onData({ direction, bytes }) {
        if (direction === 'toServer' && bytes.toString() === cutAt) s.proxy.cut()
      },
    })
    const client = await s.client()
    await says(client, 'one')
    cutAt = 'two'
    client.socket.write('two')
    expect(await client.over).toBe('ECONNRESET')
    expect(s.server.received).toBe(3)
  })
})

describe('refuse', () => {
  test('refuses new connections, keeps current ones, and accepts again on the same port', async () => {
    await using s = await scene()
    const client = await s.client()
    await says(client, 'before')
    await s.proxy.refuse(true)
    await expect(connectClient(s.proxy.port)).rejects.toThrow('ECONNREFUSED')
    await says(client, 'still')
    await s.proxy.refuse(false)
    await s.proxy.refuse(false)
    await says(await s.client(), 'after')
  })
})

describe('blackhole', () => {
  test('forwards nothing either way, then delivers what it held', async () => {
    await using s = await scene()
    const client = await s.client()
    await says(client, 'before ')
    s.proxy.blackhole(true)
    client.socket.write('held')
    for (const socket of s.server.open) socket.write('push')
    const late = await s.client()
    late.socket.write('late')
    await pause(300)
    expect(client.received()).toBe('before ')
    expect(s.server.received).toBe('before '.length)
    expect(s.server.open.size).toBe(1)
    expect(late.received()).toBe('')
    s.proxy.blackhole(false)
    await echoed(late, 'late')
    await eventually('both', 1_000, async () => client.received().length === 'before heldpush'.length || undefined, 5)
  })

  test('tells neither side that the other one left until it is over', async () => {
    await using s = await scene()
    const [ending, resetting, served] = [await s.client(), await s.client(), await s.client()]
    for (const client of [ending, resetting, served]) await says(client, 'x')
    s.proxy.blackhole(true)
    ending.socket.end()
    resetting.socket.resetAndDestroy()
    await pause(300)
    expect(s.server.open.size).toBe(3)
    expect(s.server.errors).toEqual([])
    s.proxy.blackhole(false)
    await eventually('the server hears of both', 1_000, async () => s.server.open.size === 1 || undefined, 5)
    await says(served, 'fine')
  })

  test('can be cut', async () => {
    await using s = await scene()
    const client = await s.client()
    await says(client, 'x')
    s.proxy.blackhole(true)
    expect(s.proxy.cut()).toBe(1)
    expect(await client.over).toBe('ECONNRESET')
  })
})

describe('slow', () => {
  test('limits the rate, and lets go', async () => {
    await using s = await scene()
    const client = await s.client()
    await says(client, 'x')
    s.proxy.slow({ bytesPerSecond: 20_000 })
    const started = performance.now()
    client.socket.write('y'.repeat(10_000))
    await eventually('the echo', 3_000, async () => client.received().length === 10_001 || undefined, 5)
    expect(performance.now() - started).toBeGreaterThan(450)
    expect(performance.now() - started).toBeLessThan(1_300)
    s.proxy.slow(false)
    const again = performance.now()
    client.socket.write('z'.repeat(10_000))
    await eventually('the echo', 1_000, async () => client.received().length === 20_001 || undefined, 5)
    expect(performance.now() - again).toBeLessThan(200)
  })

  test('writes pieces, each after its delay', async () => {
    const sizes: number[] = []
    await using s = await scene({
      onData: ({ direction, bytes }) => direction === 'toServer' && sizes.push(bytes.length),
    })
    const client = await s.client()
    s.proxy.slow({ chunkBytes: 1, delayMs: 20 })
    const started = performance.now()
    await says(client, '0123456789')
    expect(sizes).toEqual(Array.from({ length: 10 }, () => 1))
    expect(performance.now() - started).toBeGreaterThan(200)
    expect(performance.now() - started).toBeLessThan(900)
  })
})

describe('halfOpen', () => {
  test('closes the server side, tells no client, and loses what they send', async () => {
    await using s = await scene()
    const client = await s.client()
    await says(client, 'before')
    expect(s.proxy.halfOpen()).toBe(1)
    expect(s.proxy.halfOpen()).toBe(0)
    await eventually('the server side is gone', 1_000, async () => s.server.open.size === 0 || undefined, 5)
    client.socket.write('into nothing')
    await pause(200)
    expect(client.ended()).toBe(false)
    expect(client.socket.destroyed).toBe(false)
    expect(client.received()).toBe('before')
    expect(s.proxy.connections).toBe(1)
    await says(await s.client(), 'new ones pass')
    client.socket.end()
    expect(await client.over).toBe('closed')
    await eventually('it is forgotten', 1_000, async () => s.proxy.connections === 1 || undefined, 5)
  })
})
