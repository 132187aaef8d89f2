import { BillingInstance } from './billing-instance.ts'
import type { Billing } from './billing.ts'
import { type Addresses, configuration, type ConnectionName } from './configuration.ts'
import { runEmpty } from './run-empty.ts'
import type { Shop } from './shop.ts'

export interface MoveOptions {
  readonly addresses: Addresses
  readonly to: ConnectionName
  readonly shop: Shop
  readonly billing: Billing
  /** All of billing's processes, on the broker that is left. */
  readonly instances: readonly BillingInstance[]
  readonly progress: (line: string) => void
}

/** Billing on the new broker, and how many dead letters were redriven on the old one. */
export interface Moved {
  readonly instances: readonly BillingInstance[]
  readonly redriven: number
}

/**
 * Moves the orders to another broker while they are placed: the producers first, the consumers when the old broker has
 * nothing left. So no order overtakes an earlier one of its customer.
 */
export async function move({ addresses, to, shop, billing, instances, progress }: MoveOptions): Promise<Moved> {
  const next = configuration(addresses, to)
  // What a broker cannot do it refuses when a consumer starts: better now than in the middle. Makes what is not there.
  await (await BillingInstance.start(next, billing)).stop()
  progress(`${to}: all is made that billing needs`)

  await shop.restart(next)
  progress(`${to}: the shop sends to it; what it sends waits`)

  const redriven = await runEmpty(instances, billing)
  progress(`the old broker is empty; ${redriven} dead letters were redriven and handled`)

  const started = await Promise.all(instances.map(() => BillingInstance.start(next, billing)))
  progress(`${to}: billing handles what waited and what comes`)
  return { instances: started, redriven }
}
