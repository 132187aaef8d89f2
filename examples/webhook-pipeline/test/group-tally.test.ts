import { expect, test } from 'vitest'
import { AuditGroup } from '../src/audit-group.ts'
import type { Arrival } from '../src/group.ts'
import { GroupTally } from '../src/group-tally.ts'
import { planShipments } from '../src/shipment.ts'
import { webhookExamples } from '../src/webhook-examples.ts'

const webhook = { event: 'push', payload: {} }
const arrival = (sequence: number, key = 'a'): Arrival => ({ webhook, id: `run-${sequence}`, key, sequence })
const handle = (tally: GroupTally, each: Arrival): Promise<void> =>
  tally.run(each, String(each.sequence), async () => {})

test('an earlier one of the same key after a later one is out of order; one of another key is not', async () => {
  const tally = new GroupTally()
  for (const each of [arrival(1), arrival(3), arrival(2, 'b'), arrival(4)]) await handle(tally, each)
  expect(tally.orderViolations).toBe(0)
  await handle(tally, arrival(2))
  expect(tally.orderViolations).toBe(1)
})

test('two of one key at a time are out of order', async () => {
  const tally = new GroupTally()
  await Promise.all([handle(tally, arrival(1)), handle(tally, arrival(2))])
  expect(tally.orderViolations).toBe(1)
})

test('what is redriven may come late', async () => {
  const tally = new GroupTally()
  tally.expectOutOfTurn(['run-1'])
  for (const each of [arrival(2), arrival(1), arrival(3)]) await handle(tally, each)
  expect(tally).toMatchObject({ orderViolations: 0, handled: 3 })
})

test('one effect twice is counted, and so is one that is missing; a run that fails has none', async () => {
  const tally = new GroupTally()
  await handle(tally, arrival(1))
  await handle(tally, arrival(1))
  const failing = tally.run(arrival(2), '2', () => Promise.reject(new Error('no')))
  await expect(failing).rejects.toThrow('no')
  expect(tally).toMatchObject({ handled: 2, doubleEffects: 1 })
  expect(tally.missing(['1', '2', '3', '3'])).toBe(2)
})

test('a trail that is not what was sent is found: swapped, changed, missing, surplus', async () => {
  const shipments = planShipments(webhookExamples(), 20, 'run').filter(({ key }) => key === 'Codertocat/Hello-World')
  const [first, second, ...rest] = shipments
  if (first === undefined || second === undefined) throw new Error('too few')
  const differencesOf = async (arrivals: readonly Arrival[]): Promise<readonly string[]> => {
    const audit = new AuditGroup()
    for (const each of arrivals) await audit.handle(each)
    return audit.differences(shipments)
  }
  expect(await differencesOf(shipments)).toEqual([])
  expect(await differencesOf([second, first, ...rest])).toEqual(['Codertocat/Hello-World'])
  expect(await differencesOf([{ ...first, webhook }, second, ...rest])).toEqual(['Codertocat/Hello-World'])
  expect(await differencesOf([first, ...rest])).toEqual(['Codertocat/Hello-World'])
  expect(await differencesOf([...shipments, arrival(99, 'nobody')])).toEqual(['nobody'])
})
