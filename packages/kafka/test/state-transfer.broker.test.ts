import { attachBroker, startKafkaProxy } from '@waybill/brokers'
import { connect, type Messaging } from '@waybill/core'
import { afterAll, beforeAll, expect, inject, it } from 'vitest'
import { brokerAt } from '../../../examples/state-transfer/src/broker.ts'
import { CustomerCopy } from '../../../examples/state-transfer/src/customer-copy.ts'
import { removeCustomer, saveCustomer } from '../../../examples/state-transfer/src/customer-service.ts'
import { customers, type Customer } from '../../../examples/state-transfer/src/customers.ts'
import { runProgram } from '../../../examples/run-program.ts'
import { sleep } from '@waybill/conformance'
import { until } from '@waybill/conformance/bench'
import { Bench, brokerUrl } from './kafka-bench.ts'

const bench = new Bench()
const open: { close(): Promise<void> }[] = []
beforeAll(removeTopic)
afterAll(async () => {
  for (const each of open.reverse()) await each.close()
  await removeTopic()
  await bench.close()
})

/** The example's name for it is its own, and what an earlier run left there is not this one's truth. */
async function removeTopic(): Promise<void> {
  const { name } = customers
  if ((await bench.topics(name)).includes(name)) await (await bench.fresh()).deleteTopics({ topics: [name] })
  await until('it is gone', async () => !(await bench.topics(name)).includes(name))
}

const service = async (url = brokerUrl): Promise<Messaging> => {
  const messaging = await connect(brokerAt(`${url}?heartbeatMs=1000&sessionTimeoutMs=6000`))
  open.push(messaging)
  return messaging
}

/** Changes at random, and what is true after them. */
async function change(owner: Messaging, truth: Map<string, Customer>, count: number): Promise<void> {
  for (let n = 0; n < count; n++) {
    const id = `c${Math.floor(Math.random() * 40)}`
    if (Math.random() < 0.3) {
      truth.delete(id)
      await removeCustomer(owner, id)
    } else {
      const customer = { id, name: `name ${n}`, city: 'x'.repeat(200) }
      truth.set(id, customer)
      await saveCustomer(owner, customer)
    }
  }
}

const inOrder = (truth: Map<string, Customer>) => [...truth.values()].sort((one, other) => (one.id < other.id ? -1 : 1))

it('the program of the example prints here what it prints in memory', async () => {
  expect(await runProgram('state-transfer/src/state-transfer.ts', brokerUrl)).toBe(
    'there are 3 customers\nc1: Ada in London\nc2: Grace in Arlington\n',
  )
  await removeTopic()
}, 30_000)

it('the copy of the example is the truth, through compaction, cuts and a start anew', async () => {
  const broker = await attachBroker(inject('kafka'))
  const { name } = customers
  const proxy = await startKafkaProxy(brokerUrl)
  open.push(proxy)
  const owner = await service()
  const truth = new Map<string, Customer>()
  await change(owner, truth, 1)
  const compacted = 'cleanup.policy'
  expect((await settingsOf(name))[compacted]).toBe('compact')
  await broker.control?.compactSoon(name)
  await change(owner, truth, 300)
  const follower = await service(brokerUrl.replace(/[^@/]+$/, `${proxy.host}:${proxy.port}`))
  const copy = await CustomerCopy.open(follower)
  expect(copy.all()).toEqual(inOrder(truth))
  for (let cut = 0; cut < 3; cut++) {
    await change(owner, truth, 50)
    proxy.cut()
    await change(owner, truth, 50)
    await matches(copy, truth)
  }
  if (broker.control !== undefined) {
    const records = async () => (await bench.records(name)).length
    const poke = { id: 'poke', name: '', city: '' }
    truth.set('poke', poke)
    await until(
      'compaction has left little',
      async () => {
        await saveCustomer(owner, poke)
        await sleep(500)
        return (await records()) < 150
      },
      90_000,
    )
  }
  await matches(copy, truth)
  await follower.close()
  await change(owner, truth, 20)
  await using again = await CustomerCopy.open(await service())
  expect(again.all()).toEqual(inOrder(truth))
}, 240_000)

async function matches(copy: CustomerCopy, truth: Map<string, Customer>): Promise<void> {
  const isTrue = () => JSON.stringify(copy.all()) === JSON.stringify(inOrder(truth))
  await until('the copy is the truth', isTrue, 60_000)
  await copy.caughtUp()
  expect(copy.all()).toEqual(inOrder(truth))
}

async function settingsOf(topic: string): Promise<{ readonly [name: string]: string }> {
  const admin = await bench.fresh()
  const { resources } = await admin.describeConfigs({
    includeSynonyms: false,
    resources: [{ type: 2, name: topic, configNames: ['cleanup.policy'] }],
  })
  return Object.fromEntries((resources[0]?.configEntries ?? []).map((entry) => [entry.configName, entry.configValue]))
}
