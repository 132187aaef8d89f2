import { wrapConnection, wrapConnections, wrapDriver } from '@waybill/conformance'
import type {
  Address,
  Delivery,
  Driver,
  DriverConnection,
  DriverContext,
  DriverEvent,
  Headers,
  Lease,
  Listener,
  ListenRequest,
  OnDelivery,
  Outgoing,
  SendDone,
  Settlement,
  WireMessage,
} from '@waybill/core/driver'

type Wrap = (driver: Driver) => Driver

/** Replaces methods of each connection. */
export function connections(
  change: (connection: DriverConnection, context: DriverContext) => Partial<DriverConnection>,
): Wrap {
  return (driver) =>
    wrapConnections(driver, (connection, context) => wrapConnection(connection, change(connection, context)))
}

/** Keeps events of one kind from the core. */
export function deafTo(kind: DriverEvent['kind']): Wrap {
  return (driver) =>
    wrapDriver(driver, {
      connect: (context) =>
        driver.connect({
          ...context,
          report: (event) => {
            if (event.kind !== kind) context.report(event)
          },
        }),
    })
}

/** Replaces `send`. */
export function sends(
  send: (connection: DriverConnection, to: Address, batch: readonly Outgoing[], done: SendDone) => void,
): Wrap {
  return connections((connection) => ({ send: (to, batch, done) => send(connection, to, batch, done) }))
}

/** Changes each message on its way to the broker. */
export function sentMessages(change: (message: WireMessage, to: Address) => WireMessage): Wrap {
  return sends((connection, to, batch, done) =>
    connection.send(
      to,
      batch.map((outgoing) => ({ ...outgoing, message: change(outgoing.message, to) })),
      done,
    ),
  )
}

/** Replaces `listen`. */
export function listeners(
  listen: (connection: DriverConnection, request: ListenRequest, onDelivery: OnDelivery) => Promise<Listener>,
): Wrap {
  return connections((connection) => ({ listen: (request, onDelivery) => listen(connection, request, onDelivery) }))
}

/** Changes what becomes of each delivery: `decide` gets the core's answer. */
export function settlements(
  decide: (settlement: Promise<Settlement>, delivery: Delivery, request: ListenRequest) => Promise<Settlement>,
): Wrap {
  return listeners((connection, request, onDelivery) =>
    connection.listen(request, (delivery) => decide(onDelivery(delivery), delivery, request)),
  )
}

/** Changes each message on its way to the core. */
export function receivedMessages(change: (message: WireMessage) => WireMessage): Wrap {
  return listeners((connection, request, onDelivery) =>
    connection.listen(request, (delivery) => onDelivery(altered(delivery, { message: change(delivery.message) }))),
  )
}

/** A delivery may be a class with getters, which a spread would lose. */
export function altered(delivery: Delivery, change: Partial<Delivery>): Delivery {
  const { message, deliveries, position, lease, native } = delivery
  return { message, deliveries, position, lease, native, ...change }
}

export function alteredHeaders(headers: Headers, change: (name: string, value: string) => [string, string][]): Headers {
  const entries = Object.keys(headers).flatMap((name) => change(name, headers[name]!))
  return Object.assign(Object.create(null), Object.fromEntries(entries)) as Headers
}

export const isMain = ({ lane = 'main' }: { readonly lane?: string | undefined }): boolean => lane === 'main'

/** A lease that never changes. */
export const heldForever: Lease = { state: 'held', subscribe: () => () => {} }

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
