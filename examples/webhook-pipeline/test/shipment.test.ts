import { expect, test } from 'vitest'
import { expectedCounts } from '../src/expected-counts.ts'
import { planShipments } from '../src/shipment.ts'
import { webhookExamples } from '../src/webhook-examples.ts'

const examples = webhookExamples()

test('the input is the 329 examples of 58 kinds of event', () => {
  expect(examples).toHaveLength(329)
  expect(new Set(examples.map(({ event }) => event)).size).toBe(58)
})

test.each([1, 50, 57, 58, 3_000])('%i messages, and every 50th of them twice', (messages) => {
  const shipments = planShipments(examples, messages, 'run')
  expect(shipments.map(({ sequence }) => sequence)).toEqual(shipments.map((_, index) => index + 1))
  const copies = Map.groupBy(shipments, ({ id }) => id)
  expect(copies.size).toBe(messages)
  for (const [id, [first, second, ...more]] of copies) {
    expect(more).toEqual([])
    expect(second !== undefined).toBe(Number(id.split('-')[1]) % 50 === 0)
    if (second !== undefined) expect({ ...second, sequence: 0, isDuplicate: false }).toEqual({ ...first, sequence: 0 })
  }
})

test('the counts of 3,000 messages', () => {
  const { audit, notify, index } = expectedCounts(planShipments(examples, 3_000, 'run'))
  expect(audit).toMatchObject({ sent: 3_060, handled: 3_060, retried: 0, deadLettered: 0 })
  expect(notify).toMatchObject({ sent: 3_060, handled: 3_060, retried: 180, deadLettered: 0 })
  expect(index).toMatchObject({ sent: 3_060, handled: 3_000, suppressed: 60, deadLettered: 175, redriven: 175 })
})
