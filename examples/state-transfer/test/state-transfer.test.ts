import { connect, type Messaging } from '@waybill/core'
import { memory, createMemoryBroker } from '@waybill/memory'
import { afterEach, expect, test } from 'vitest'
import { CustomerCopy } from '../src/customer-copy.ts'
import { removeCustomer, saveCustomer } from '../src/customer-service.ts'
import { runProgram } from '../../run-program.ts'

const open: Messaging[] = []
afterEach(async () => {
  for (const each of open.splice(0)) await each.close()
})

const broker = createMemoryBroker()
const service = async (): Promise<Messaging> => {
  const messaging = await connect(memory({ broker, profile: 'lanes' }))
  open.push(messaging)
  return messaging
}

test('the program prints what there is, before and after a change', async () => {
  expect(await runProgram('state-transfer/src/state-transfer.ts')).toBe(
    'there are 3 customers\nc1: Ada in London\nc2: Grace in Arlington\n',
  )
})

test('a copy that starts later, or again, has all that was ever said; a lost connection makes it begin anew', async () => {
  const owner = await service()
  await saveCustomer(owner, { id: 'c1', name: 'Ada', city: 'London' })
  await saveCustomer(owner, { id: 'c2', name: 'Grace', city: 'New York' })
  await using first = await CustomerCopy.open(await service())
  await removeCustomer(owner, 'c1')
  await using second = await CustomerCopy.open(await service())
  await first.caughtUp()
  for (const copy of [first, second]) {
    expect(copy.get('c1')).toBe(undefined)
    expect(copy.all()).toEqual([{ id: 'c2', name: 'Grace', city: 'New York' }])
  }
  broker.faults.disconnect({ role: 'receive' })
  await saveCustomer(owner, { id: 'c3', name: 'Charles', city: 'London' })
  await expect.poll(() => first.all().map(({ id }) => id)).toEqual(['c2', 'c3'])
})
