import type { Configuration } from '@waybill/core'

export type ConnectionName = 'rabbitmq' | 'kafka'

export type Addresses = Readonly<Record<ConnectionName, string>>

/** What a process is started with. A move changes one word of it: the connection of the channels that move. */
export function configuration(addresses: Addresses, orders: ConnectionName): Configuration {
  return {
    connections: { ...addresses },
    channels: { 'orders.*': orders, '*': 'rabbitmq' },
  }
}
