import type { BrokerName as StartableBroker } from '@waybill/brokers'

const startable = ['rabbitmq', 'kafka'] as const satisfies readonly StartableBroker[]

/** What `--broker` takes. */
export const brokerNames = ['memory', ...startable] as const

export type BrokerName = (typeof brokerNames)[number]

/** Where a broker is reached, until disposed of. */
export interface BrokerAddress extends AsyncDisposable {
  readonly url: string
}

/** The address of a broker that runs: the embedded one, or one that is started for this run and removed after it. */
export async function brokerAddress(name: BrokerName, progress: (line: string) => void): Promise<BrokerAddress> {
  if (name === 'memory') return fixedAddress('memory:webhook-pipeline')
  const { startBroker } = await import('@waybill/brokers')
  return startBroker(name, progress)
}

/** A broker that somebody else runs. */
export function fixedAddress(url: string): BrokerAddress {
  return { url, [Symbol.asyncDispose]: async () => {} }
}
