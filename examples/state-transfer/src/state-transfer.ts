// A copy of all customers in a process that does not own them, filled from the channel alone.
//   node examples/state-transfer/src/state-transfer.ts
import { connect } from '@waybill/core'
import { brokerAt } from './broker.ts'
import { CustomerCopy } from './customer-copy.ts'
import { removeCustomer, saveCustomer } from './customer-service.ts'

await using messaging = await connect(brokerAt(process.env.WAYBILL_URL))
await saveCustomer(messaging, { id: 'c1', name: 'Ada', city: 'London' })
await saveCustomer(messaging, { id: 'c2', name: 'Grace', city: 'New York' })
await saveCustomer(messaging, { id: 'c3', name: 'Charles', city: 'London' })

await using copy = await CustomerCopy.open(messaging)
console.log(`there are ${copy.all().length} customers`)

await saveCustomer(messaging, { id: 'c2', name: 'Grace', city: 'Arlington' })
await removeCustomer(messaging, 'c3')
await copy.caughtUp()
for (const { id, name, city } of copy.all()) console.log(`${id}: ${name} in ${city}`)
