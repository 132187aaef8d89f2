import { attachBroker } from '@waybill/brokers'
import type { ListenStart } from '@waybill/core/driver'
import { afterAll, describe, expect, inject, it } from 'vitest'
import { freshName, numbered, receive, send, topologyOf, until } from '@waybill/conformance/bench'
import { Bench, brokerUrl } from './kafka-bench.ts'
import { kafkaAt } from './kafka-cluster.ts'

const bench = new Bench()
afterAll(() => bench.close())

const group = 'late'
const groupsTool = 'org.apache.kafka.tools.consumer.group.ConsumerGroupCommand'
const onePartition = { settings: { partitions: 1 } }

/** A channel of one partition with ten messages, before the late group was made. */
async function tenMessages(name: string) {
  const { sender, receiver } = await bench.pair(topologyOf(name, onePartition))
  await send(sender.connection, { channel: name }, numbered(10))
  await receiver.connection.provision(topologyOf(name, { ...onePartition, groups: [group] }), 'create')
  return { sender, listen: (from?: ListenStart) => listen(receiver.connection, name, from) }
}

function listen(connection: Parameters<typeof receive>[0], channel: string, from?: ListenStart) {
  return receive(connection, { source: { channel, group }, ...(from === undefined ? {} : { from }) })
}

describe('a group that begins', () => {
  it.each([
    ['a position', (name: string): ListenStart => ({ positions: [`${name}/0@7`] }), ['7', '8', '9']],
    ['the beginning', (): ListenStart => 'oldest', [...'0123456789']],
    ['a time before all', (): ListenStart => ({ timeMs: 0 }), [...'0123456789']],
    ['a time after all', (): ListenStart => ({ timeMs: Date.now() + 60_000 }), []],
  ])('at %s has that, and what is sent from then on', async (_, from, expected) => {
    const name = freshName()
    const { sender, listen: begin } = await tenMessages(name)
    const late = await begin(from(name))
    await send(sender.connection, { channel: name }, numbered(1))
    await until('all of it', () => late.bodies.length === expected.length + 1)
    expect(late.bodies).toEqual([...expected, '0'])
    await late.drain()
    const again = await begin(from(name))
    await send(sender.connection, { channel: name }, numbered(2))
    await until('the rest', () => again.bodies.length >= 2)
    expect(again.bodies).toEqual(['0', '1'])
    await again.drain()
  })

  it('never passes over what waits for it', async () => {
    const name = freshName()
    const { sender, listen: begin } = await tenMessages(name)
    await send(sender.connection, { channel: name }, numbered(3))
    const late = await begin({ timeMs: Date.now() + 60_000 })
    await until('what was sent since it was made', () => late.bodies.length === 3)
    await late.drain()
  })

  it('is refused where the log does not reach, and in what is no position', async () => {
    const name = freshName()
    const { listen: begin } = await tenMessages(name)
    await bench.truncate(name, 0, 5)
    const codeAt = (position: string) =>
      begin({ positions: [position] }).then(
        () => 'begun',
        (error: unknown) => bench.driver.classify(error),
      )
    expect(await codeAt(`${name}/0@4`)).toBe('failedPrecondition')
    expect(await codeAt(`${name}/0@11`)).toBe('failedPrecondition')
    expect(await codeAt('another/0@7')).toBe('invalidArgument')
    expect(await codeAt(`${name}@7`)).toBe('invalidArgument')
    expect(await codeAt(`${name}/0@5`)).toBe('begun')
  })
})

describe('a group that an operator sets back', () => {
  it('is replayed into from there, once', async () => {
    const { control } = await attachBroker(inject('kafka'))
    const name = freshName()
    const { sender, listen: begin } = await tenMessages(name)
    await send(sender.connection, { channel: name }, numbered(5))
    const first = await begin('oldest')
    await until('all', () => first.bodies.length === 15)
    await first.drain()
    const to = ['--reset-offsets', '--to-offset', '12', '--execute']
    if (control !== undefined) {
      await control.tool(groupsTool, '--group', `${name}..${group}`, '--topic', name, ...to)
    } else {
      const admin = kafkaAt(brokerUrl).admin()
      await admin.connect()
      const partitions = [{ partition: 0, offset: '12' }]
      await admin.setOffsets({ groupId: `${name}..${group}`, topic: name, partitions })
      await admin.disconnect()
    }
    const second = await begin('oldest')
    await until('what lies behind it', () => second.bodies.length === 3)
    expect(second.bodies).toEqual(['2', '3', '4'])
    await second.drain()
  }, 60_000)
})
