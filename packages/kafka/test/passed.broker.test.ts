import { channel, connect, type StandardSchemaV1 } from '@waybill/core'
import type { DriverConnection } from '@waybill/core/driver'
import { afterAll, describe, expect, it } from 'vitest'
import { kafka } from '../src/index.ts'
import { sleep } from '@waybill/conformance'
import { freshName, numbered, receive, send, topologyOf, until } from '@waybill/conformance/bench'
import { Bench, brokerUrl } from './kafka-bench.ts'
import { kafkaAt } from './kafka-cluster.ts'

const bench = new Bench({ partitions: 1 })
afterAll(() => bench.close())

const group = 'group'

interface Price {
  readonly n: number
  readonly text?: string
}

const anyPrice: StandardSchemaV1<Price, Price> = {
  '~standard': { version: 1, vendor: 'test', validate: (value) => ({ value: value as Price }) },
}

/** Three messages and the mark that they count, then three that do not count and the mark of that. */
async function transactions(topic: string): Promise<void> {
  const kafkajs = kafkaAt(brokerUrl)
  const producer = kafkajs.producer({ transactionalId: `of-${topic}`, idempotent: true, maxInFlightRequests: 1 })
  await producer.connect()
  for (const value of ['told', 'taken back']) {
    const transaction = await producer.transaction()
    await transaction.send({ topic, messages: Array.from({ length: 3 }, () => ({ value })) })
    await (value === 'told' ? transaction.commit() : transaction.abort())
  }
  await producer.disconnect()
}

const readyIn = async (connection: DriverConnection, name: string) => {
  return (await connection.inspect({ channel: name, group }, new AbortController().signal)).ready
}

describe('what is not to be seen', () => {
  it.each([false, true])('counts no more once a listener has come past it (temporary: %s)', async (temporary) => {
    const name = freshName()
    const { receiver } = await bench.pair(topologyOf(name))
    const source = { channel: name, group }
    const received = await receive(receiver.connection, { source, temporary, from: 'oldest' })
    await transactions(name)
    await until('all is counted off', async () => (await readyIn(receiver.connection, name)) === 0)
    await until('what counts', () => received.bodies.length === 3)
    expect(received.bodies).toEqual(['told', 'told', 'told'])
    if (!temporary) {
      const isAtEnd = async () => (await bench.committed(`${name}..${group}`, name))[0]?.[0] === '8'
      await until('the group is committed to the end, marks included', isAtEnd)
    }
    await received.drain()
  })

  it('never is committed before the records in front of it are settled', async () => {
    const name = freshName()
    const { receiver } = await bench.pair(topologyOf(name))
    await transactions(name)
    let settle = () => {}
    const settled = new Promise<void>((resolve) => {
      settle = resolve
    })
    let delivered = 0
    const listener = await receiver.connection.listen(
      { source: { channel: name, group }, order: 'none', maxInFlight: 10 },
      async () => {
        if (++delivered === 2) await settled
        return { kind: 'accept' }
      },
    )
    const committed = async () => (await bench.committed(`${name}..${group}`, name))[0]?.[0]
    await until('the first is committed', async () => (await committed()) === '1')
    await sleep(300)
    expect([delivered, await committed()]).toEqual([3, '1'])
    settle()
    await until('all', async () => (await committed()) === '8')
    await listener.drain()
  })

  it('ends a look at dead letters, where it stands behind the last of them', async () => {
    const name = freshName()
    const { sender, receiver } = await bench.pair(topologyOf(name))
    const dead = { channel: name, group, lane: 'dead' as const }
    await send(sender.connection, dead, numbered(2))
    const producer = kafkaAt(brokerUrl).producer({ transactionalId: `dead-${name}`, idempotent: true })
    await producer.connect()
    const transaction = await producer.transaction()
    await transaction.send({ topic: `${name}..${group}..dead`, messages: [{ key: 'theirs', value: 'taken back' }] })
    await transaction.abort()
    await producer.disconnect()
    const seen = await receive(receiver.connection, { source: dead, intent: 'browse', maxInFlight: 1 }, () => ({
      kind: 'release',
    }))
    expect(await seen.ended).toBe(undefined)
    expect(seen.bodies).toEqual(['0', '1'])
    await seen.drain()
  })
})

describe('a copy of everything', () => {
  const prices = (name: string) => channel(name, { schema: anyPrice, key: ({ n }) => String(n), groups: [] })
  const url = () => kafka({ url: brokerUrl, partitions: 1, heartbeatMs: 1_000, sessionTimeoutMs: 6_000 })

  it('has caught up with what was there, however much comes meanwhile', async () => {
    await using messaging = await connect(url())
    const all = prices(freshName('prices'))
    for (let n = 0; n < 20; n++) await messaging.send(all, { n })
    const seen = new Set<number>()
    await using copy = await messaging.consumeBroadcast(
      all,
      { startFrom: 'beginning', onGap: () => {} },
      async ({ n }) => {
        seen.add(n)
        await sleep(5)
      },
    )
    let isOver = false
    const stream = (async () => {
      // Faster than they are handled.
      while (!isOver) await Promise.all(Array.from({ length: 20 }, () => messaging.send(all, { n: 100 })))
    })()
    await copy.caughtUp()
    isOver = true
    await stream
    expect([...seen].filter((n) => n < 20)).toHaveLength(20)
  })

  it('has caught up with an empty topic at once', async () => {
    await using messaging = await connect(url())
    const options = { startFrom: 'beginning', onGap: () => {} } as const
    await using copy = await messaging.consumeBroadcast(prices(freshName('prices')), options, async () => {})
    await copy.caughtUp()
  })

  it('has a gap when what comes next is gone, and begins anew', async () => {
    const name = freshName('prices')
    await using messaging = await connect(url())
    const all = prices(name)
    const story: (string | number)[] = []
    let goOn = () => {}
    const held = new Promise<void>((resolve) => {
      goOn = resolve
    })
    const options = { startFrom: 'beginning', onGap: () => void story.push('gap') } as const
    await using copy = await messaging.consumeBroadcast(all, options, async ({ n }) => {
      story.push(n)
      await held
    })
    // More than what is in flight and what is fetched ahead of it.
    const text = 'x'.repeat(100_000)
    await Promise.all(Array.from({ length: 150 }, (_, n) => messaging.send(all, { n, text })))
    await until('the first is there', () => story.length > 0)
    await bench.truncate(name, 0, 149)
    goOn()
    await until('the last', () => story.includes(149), 20_000)
    await copy.caughtUp()
    expect(story.indexOf('gap')).toBeGreaterThan(0)
    expect(story.slice(story.lastIndexOf('gap'))).toEqual(['gap', 149])
    expect(story.length).toBeLessThan(150)
  }, 60_000)
})
