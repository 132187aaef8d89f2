import type { Delivery } from './driver/driver.ts'

/** Where a received message keeps its delivery. Shared by all installed copies of the core. */
export const nativeDelivery: unique symbol = Symbol.for('waybill.delivery') as never

/**
 * The client library's own object behind a message, for an adapter's accessor. `undefined` when `message` was not
 * delivered by a broker.
 */
export function nativeOf(message: object): unknown {
  return (message as { [nativeDelivery]?: Delivery })[nativeDelivery]?.native
}
