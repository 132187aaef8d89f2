import type { Delivery, DriverConnection, DriverEvent, Listener, ListenRequest, Settlement } from '@waybill/core/driver'
import type { ItemChannel } from '../../item.ts'
import type { Kit, KitConnectOptions } from '../../kit.ts'

const group = 'billing'

/** A delivery as the driver gives it, and the way to settle it. */
export interface OpenDelivery {
  readonly id: string | undefined
  readonly delivery: Delivery
  settle(settlement: Settlement): void
}

export interface RawListener {
  readonly connection: DriverConnection
  readonly listener: Listener
  readonly events: readonly DriverEvent[]
  /** Every delivery so far, settled or not. */
  readonly deliveries: readonly OpenDelivery[]
}

/** Listens without the core, which would never settle late or on a connection that is gone. */
export async function listenRaw(
  kit: Kit,
  orders: ItemChannel,
  options: Pick<KitConnectOptions, 'link'> & Partial<ListenRequest> = {},
): Promise<RawListener> {
  const { link, ...request } = options
  const { connection, events } = await kit.open('receive', link === undefined ? {} : { link })
  const channels = [{ name: orders.name, keyed: false, groups: [{ name: group, delaysMs: [] }] }]
  await connection.provision({ channels }, 'create')
  const deliveries: OpenDelivery[] = []
  const onDelivery = (delivery: Delivery): Promise<Settlement> =>
    new Promise((settle) => deliveries.push({ id: delivery.message.id, delivery, settle }))
  const source = { channel: orders.name, group }
  const listener = await connection.listen({ source, order: 'none', maxInFlight: 10, ...request }, onDelivery)
  return { connection, listener, events, deliveries }
}
