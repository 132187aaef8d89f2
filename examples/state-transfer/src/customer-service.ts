import type { Messaging } from '@waybill/core'
import { customers, type Customer } from './customers.ts'

/** Tells everybody how a customer is now. */
export async function saveCustomer(messaging: Messaging, customer: Customer): Promise<void> {
  await messaging.send(customers, customer, { key: customer.id })
}

export async function removeCustomer(messaging: Messaging, id: string): Promise<void> {
  await messaging.send(customers, undefined, { key: id })
}
