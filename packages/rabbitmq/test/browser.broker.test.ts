import { afterAll, describe, expect, it } from 'vitest'
import { sleep } from '@waybill/conformance'
import { freshName, hold, receive, send, topologyOf, until, wireMessage } from '@waybill/conformance/bench'
import { Bench } from './rabbitmq-bench.ts'

const bench = new Bench()
afterAll(() => bench.close())

const group = 'group'
const dead = (channel: string) => ({ channel, group, lane: 'dead' as const })
const browse = (channel: string) => ({ source: dead(channel), intent: 'browse' as const, maxInFlight: 1 })
const numbered = (count: number) =>
  Array.from({ length: count }, (_, index) => wireMessage({ body: Buffer.from(String(index)) }))
const release = () => ({ kind: 'release' }) as const

describe('browsing', () => {
  it('shows each message once, holds it until drain, and removes what is accepted', async () => {
    const name = freshName()
    const { sender, receiver } = await bench.pair(topologyOf(name))
    await send(sender.connection, dead(name), numbered(5))
    const browsed = await receive(receiver.connection, browse(name), ({ message }) => ({
      kind: Buffer.from(message.body ?? []).toString() === '2' ? 'accept' : 'release',
    }))
    expect(await browsed.ended).toBe(undefined)
    await send(sender.connection, dead(name), [wireMessage({ body: Buffer.from('late') })])
    await sleep(100)
    expect(browsed.bodies).toEqual(['0', '1', '2', '3', '4'])
    await browsed.drain()
    const again = await receive(receiver.connection, browse(name), release)
    expect(await again.ended).toBe(undefined)
    await again.drain()
    expect(again.bodies).toEqual(['0', '1', '3', '4', 'late'])
  })

  it('of nothing ends at once', async () => {
    const name = freshName()
    const receiver = await bench.open('receive', topologyOf(name))
    const browsed = await receive(receiver.connection, browse(name), release)
    expect(await browsed.ended).toBe(undefined)
    await browsed.drain()
  })

  it('ends also when somebody else has got the rest', async () => {
    const name = freshName()
    const { sender, receiver } = await bench.pair(topologyOf(name))
    const other = await bench.open('receive', topologyOf(name))
    await send(sender.connection, dead(name), numbered(200))
    const both = await Promise.all(
      [receiver, other].map(({ connection }) => receive(connection, browse(name), release)),
    )
    await Promise.all(both.map(({ ended }) => ended))
    const seen = both.flatMap(({ bodies }) => bodies)
    expect(seen.length).toBe(200)
    expect(new Set(seen).size).toBe(200)
    await Promise.all(both.map((each) => each.drain()))
    await until('all are back', async () => (await bench.depth(`${name}/${group}/dead`)) === 200)
  })

  it('finds again at once what the last one gave back, of thousands', async () => {
    const name = freshName()
    const { sender, receiver } = await bench.pair(topologyOf(name))
    for (let batch = 0; batch < 10; batch++) await send(sender.connection, dead(name), numbered(1_000))
    for (let look = 0; look < 3; look++) {
      const browsed = await receive(receiver.connection, browse(name), release)
      await browsed.ended
      await browsed.drain()
      expect(browsed.bodies.length).toBe(10_000)
    }
    const emptied = await receive(receiver.connection, browse(name), () => ({ kind: 'accept' }))
    await emptied.ended
    await emptied.drain()
    await sleep(200)
    expect(await bench.depth(`${name}/${group}/dead`)).toBe(0)
  }, 60_000)

  it('is refused where it would take messages from consumers in order', async () => {
    const name = freshName()
    const receiver = await bench.open('receive', topologyOf(name, { keyed: true }))
    const browsing = hold(receiver.connection, { source: { channel: name, group }, intent: 'browse' })
    await expect(browsing).rejects.toMatchObject({ code: 'unsupported' })
  })

  it('of a queue that is not there rejects', async () => {
    const name = freshName()
    const receiver = await bench.open('receive', topologyOf(name, { groups: [] }))
    const error = await hold(receiver.connection, browse(name)).catch((thrown: unknown) => thrown)
    expect(bench.driver.classify(error)).toBe('notFound')
  })
})
