import { join } from 'node:path'
import { root } from './workspace.ts'

/** What every example and the first program are run on. */
export const brokerNames = ['memory', 'rabbitmq', 'kafka'] as const

export type BrokerName = (typeof brokerNames)[number]

/** On Node.js 24 kafkajs makes a timer that Node.js warns of, once; see the README of the adapter. */
export const withoutKnownWarnings = '--disable-warning=TimeoutNegativeWarning'

/** Where a broker is reached: in memory, or one that is started and removed when disposed of. */
export async function brokerAddress(name: BrokerName): Promise<AsyncDisposable & { readonly url: string }> {
  if (name === 'memory') return { url: 'memory:', [Symbol.asyncDispose]: async () => {} }
  const { startBroker } = (await import(join(root, 'packages/brokers/src/index.ts'))) as Brokers
  return startBroker(name)
}

/** The part of `@waybill/brokers` that is needed here; a script imports no package of ours by name. */
interface Brokers {
  startBroker(name: BrokerName): Promise<AsyncDisposable & { readonly url: string }>
}
