import type {
  Address,
  Delivery,
  Driver,
  DriverConnection,
  DriverContext,
  ListenRequest,
  Outgoing,
} from '@waybill/core/driver'

/** `driver` with each connection passed through `wrap`. */
export function wrapConnections(
  driver: Driver,
  wrap: (connection: DriverConnection, context: DriverContext) => DriverConnection,
): Driver {
  return wrapDriver(driver, { connect: async (context) => wrap(await driver.connect(context), context) })
}

/** `driver` with some of its members replaced. Works for classes with private fields, which a spread would not. */
export function wrapDriver(driver: Driver, changes: Partial<Driver>): Driver {
  return {
    specVersion: driver.specVersion,
    system: driver.system,
    capabilities: driver.capabilities,
    classify: (error) => driver.classify(error),
    connect: (context) => driver.connect(context),
    ...changes,
  }
}

/** `connection` with some of its methods replaced. */
export function wrapConnection(connection: DriverConnection, changes: Partial<DriverConnection>): DriverConnection {
  return {
    provision: (topology, mode) => connection.provision(topology, mode),
    send: (to, batch, done) => connection.send(to, batch, done),
    listen: (request, onDelivery) => connection.listen(request, onDelivery),
    inspect: (address, signal, horizon) => connection.inspect(address, signal, horizon),
    close: () => connection.close(),
    ...changes,
  }
}

/** Shows `see` every batch on its way to the driver; a promise given back holds the batch until it resolves. */
export function watchSends(
  see: (batch: readonly Outgoing[], to: Address) => Promise<unknown> | undefined,
): (driver: Driver) => Driver {
  return (driver) =>
    wrapConnections(driver, (connection) =>
      wrapConnection(connection, {
        send(to, batch, done) {
          const held = see(batch, to)
          if (held === undefined) connection.send(to, batch, done)
          else void held.then(() => connection.send(to, batch, done))
        },
      }),
    )
}

/** Shows `see` every delivery on its way to the core. */
export function watchDeliveries(
  see: (delivery: Delivery, source: ListenRequest['source']) => void,
): (driver: Driver) => Driver {
  return (driver) =>
    wrapConnections(driver, (connection) =>
      wrapConnection(connection, {
        listen(request, onDelivery) {
          return connection.listen(request, (delivery) => {
            see(delivery, request.source)
            return onDelivery(delivery)
          })
        },
      }),
    )
}

/** Counts the messages that reach the driver. */
export function countSends(): { readonly handed: number; wrap(driver: Driver): Driver } {
  let handed = 0
  const wrap = watchSends((batch) => {
    handed += batch.length
    return undefined
  })
  return {
    wrap,
    get handed() {
      return handed
    },
  }
}

/** Counts what the driver has delivered and the core has not settled. */
export function countUnsettled(): { readonly now: number; readonly most: number; wrap(driver: Driver): Driver } {
  let now = 0
  let most = 0
  const counted = <T>(settlement: Promise<T>): Promise<T> => {
    void settlement.then(() => now--)
    return settlement
  }
  const wrap = (driver: Driver): Driver =>
    wrapConnections(driver, (connection) =>
      wrapConnection(connection, {
        listen: (request, onDelivery) =>
          connection.listen(request, (delivery) => {
            most = Math.max(most, ++now)
            return counted(onDelivery(delivery))
          }),
      }),
    )
  return {
    wrap,
    get now() {
      return now
    },
    get most() {
      return most
    },
  }
}
