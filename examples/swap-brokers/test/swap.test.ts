import { randomUUID } from 'node:crypto'
import { startBroker } from '@waybill/brokers'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Addresses } from '../src/configuration.ts'
import { type SwapResult, swap } from '../src/swap.ts'

const loadMs = 1_000

function expectAllInOrder({ sent, sentAgain, charged, redriven, ...wrong }: SwapResult): void {
  expect(wrong).toEqual({ lost: 0, chargedTwice: 0, orderViolations: 0 })
  expect(charged).toBe(sent)
  expect(sent).toBeGreaterThan(500)
  expect(sentAgain).toBe(50)
  // One card in 97 has expired.
  expect(redriven).toBe(Math.floor((sent + firstOrders) / 97))
}

/** Orders are numbered from 1, for 20 customers. */
const firstOrders = 19

test('between two embedded brokers: each order charged once, each customer in order', async () => {
  const lines: string[] = []
  const addresses = { rabbitmq: `memory:${randomUUID()}`, kafka: `memory:${randomUUID()}` }
  expectAllInOrder(await swap({ addresses, loadMs, progress: (line) => lines.push(line) }))
  expect(lines.filter((line) => line.includes('billing handles what waited'))).toHaveLength(2)
})

describe('from RabbitMQ to Kafka and back', () => {
  const stack = new AsyncDisposableStack()
  let addresses: Addresses

  beforeAll(async () => {
    const [rabbitmq, kafka] = await Promise.all([startBroker('rabbitmq'), startBroker('kafka')])
    stack.use(rabbitmq)
    stack.use(kafka)
    addresses = { rabbitmq: rabbitmq.url, kafka: kafka.url }
  })

  afterAll(() => stack.disposeAsync())

  test('each order is charged once, each customer in order', async () => {
    expectAllInOrder(await swap({ addresses, loadMs, progress: () => {} }))
  })

  test('and again on the same brokers, where the groups are known from before', async () => {
    expectAllInOrder(await swap({ addresses, loadMs, progress: () => {} }))
  })
})
