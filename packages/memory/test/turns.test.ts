import { expect, test } from 'vitest'
import { systemClock, systemRandom, type DriverContext, type Settlement } from '@waybill/core/driver'
import { createMemoryBroker, memory } from '../src/index.ts'
import { open, source, turn, wire } from './support.ts'

const accept: Settlement = { kind: 'accept' }
const accepted = Promise.resolve(accept)

test('a long backlog does not keep the event loop from turning', async () => {
  const broker = createMemoryBroker()
  const signal = new AbortController().signal
  const logger = { warn: () => {} }
  const context: DriverContext = {
    role: 'receive',
    instance: 't',
    clock: systemClock,
    random: systemRandom,
    logger,
    signal,
    report: () => {},
  }
  const connection = await memory({ broker }).connect(context)
  broker.declare('orders', 'billing')
  const total = 200_000
  for (let index = 0; index < total; index++) broker.publish({ channel: 'orders' }, wire('x'))
  let received = 0
  let receivedBefore = 0
  let mostInOneTurn = 0
  // Counted in deliveries: how long they take is up to the machine.
  const beat = setInterval(() => {
    mostInOneTurn = Math.max(mostInOneTurn, received - receivedBefore)
    receivedBefore = received
  }, 1)
  await new Promise<void>((resolve, reject) => {
    const onDelivery = () => {
      const until = performance.now() + 0.002
      while (performance.now() < until);
      if (++received === total) resolve()
      return accepted
    }
    connection.listen({ source, order: 'none', maxInFlight: 64 }, onDelivery).catch(reject)
  })
  clearInterval(beat)
  await connection.close()
  expect(mostInOneTurn).toBeGreaterThan(0)
  expect(mostInOneTurn).toBeLessThan(total / 10)
})

test('with a clock that stands still everything is delivered all the same, and no timer is left', async () => {
  const site = await open()
  const total = 5_000
  for (let index = 0; index < total; index++) site.broker.publish({ channel: 'orders' }, wire('x'))
  let received = 0
  await site.receiver.listen({ source, order: 'none', maxInFlight: 10 }, () => {
    received++
    return accepted
  })
  for (let left = 2_000; left > 0 && received < total; left--) await turn()
  expect(received).toBe(total)
  await site.sender.close()
  await site.receiver.close()
  expect(site.clock.pendingTimers).toBe(0)
})
