import { sleep } from '@waybill/conformance'
import { freshName, numbered, receive, send, topologyOf, until } from '@waybill/conformance/bench'
import { afterAll, expect, it, vi } from 'vitest'
import { Bench } from './kafka-bench.ts'

const bench = new Bench()
afterAll(() => bench.close())

it('with nothing to do, a sender and a receiver start few timers', async () => {
  const name = freshName()
  const { sender, receiver } = await bench.pair(topologyOf(name))
  const received = await receive(receiver.connection, { source: { channel: name, group: 'group' } }, () => ({
    kind: 'accept',
  }))
  await send(sender.connection, { channel: name }, numbered(10))
  await until('all are received', () => received.bodies.length === 10)
  const timers = vi.spyOn(globalThis, 'setTimeout')
  try {
    await sleep(2_000)
    expect(timers.mock.calls.length).toBeLessThan(200)
  } finally {
    timers.mockRestore()
  }
  await received.drain()
}, 30_000)
