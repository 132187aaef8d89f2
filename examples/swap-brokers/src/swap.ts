import { setTimeout as pause } from 'node:timers/promises'
import { BillingInstance } from './billing-instance.ts'
import { Billing } from './billing.ts'
import { type Addresses, configuration } from './configuration.ts'
import { move } from './move.ts'
import { runEmpty } from './run-empty.ts'
import { Shop } from './shop.ts'

export interface SwapOptions {
  readonly addresses: Addresses
  /** For how long orders are placed before, between and after the moves. */
  readonly loadMs: number
  readonly progress: (line: string) => void
}

/** What became of the orders. */
export interface SwapResult {
  readonly sent: number
  readonly sentAgain: number
  readonly charged: number
  readonly redriven: number
  readonly lost: number
  readonly chargedTwice: number
  readonly orderViolations: number
}

const instanceCount = 2

/** Moves the orders from RabbitMQ to Kafka and back, while they are placed and charged. */
export async function swap({ addresses, loadMs, progress }: SwapOptions): Promise<SwapResult> {
  const billing = new Billing()
  const first = configuration(addresses, 'rabbitmq')
  const starting = Array.from({ length: instanceCount }, () => BillingInstance.start(first, billing))
  let instances: readonly BillingInstance[] = await Promise.all(starting)
  const shop = await Shop.open(first)
  progress('rabbitmq: orders are placed and charged')
  let redriven = 0
  for (const to of ['kafka', 'rabbitmq'] as const) {
    await pause(loadMs)
    const moved = await move({ addresses, to, shop, billing, instances, progress })
    instances = moved.instances
    redriven += moved.redriven
  }
  await pause(loadMs)
  await shop.close()
  redriven += await runEmpty(instances, billing)
  const { charged, orderViolations } = billing
  return {
    sent: shop.sent.size,
    sentAgain: shop.sentAgain,
    charged: charged.size,
    redriven,
    lost: [...shop.sent.keys()].filter((id) => !charged.has(id)).length,
    chargedTwice: [...charged.values()].filter((times) => times > 1).length,
    orderViolations,
  }
}
