import { channel, type StandardSchemaV1 } from '@waybill/core'
import { connectWith, ManualClock, systemRandom } from '@waybill/core/driver'
import { expect, test } from 'vitest'
import { createMemoryBroker, memory, memoryCapabilities } from '../src/index.ts'
import { isSettled, turn } from './support.ts'

const schema: StandardSchemaV1<string> = {
  '~standard': { version: 1, vendor: 'test', validate: (value) => ({ value: value as string }) },
}
const orders = channel('orders', { schema, key: (order) => order, ordering: 'key', groups: ['billing'] })
/** Of the shortest waits there are. */
const random = { next: () => 0, fill: systemRandom.fill }

test.each(['pipelined', 'serial'] as const)('after a success the waits begin anew: %s sends', async (keyed) => {
  const broker = createMemoryBroker()
  const clock = new ManualClock()
  const send = { ...memoryCapabilities.send, keyed }
  const messaging = await connectWith({ clock, random }, memory({ broker, capabilities: { send } }))

  /** Until it is sent, with so many failures before. */
  const sentAfterMs = async (failures: number): Promise<number> => {
    const began = clock.monotonic()
    broker.faults.failSends({ count: failures })
    const sent = messaging.send(orders, 'a')
    while (!(await isSettled(sent))) clock.advance(1)
    return clock.monotonic() - began
  }
  expect(await sentAfterMs(1)).toBe(25)
  expect(await sentAfterMs(5)).toBe(25 + 50 + 100 + 200 + 400)
  expect(await sentAfterMs(1)).toBe(25)
  const closing = messaging.close()
  while (!(await isSettled(closing))) clock.advance(1)
  await turn()
})
