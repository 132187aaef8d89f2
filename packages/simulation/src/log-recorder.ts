import { wrapConnection, wrapDriver } from '@waybill/conformance'
import type {
  Address,
  Delivery,
  Driver,
  DriverConnection,
  DriverContext,
  DriverEvent,
  Lease,
  Listener,
  OnDelivery,
  Outgoing,
  SendDone,
  Settlement,
  Topology,
} from '@waybill/core/driver'
import { laneName, type LogEvent } from './log-event.ts'

type WithoutTime<E> = E extends LogEvent ? Omit<E, 'atMs'> : never
type Note = (occurrence: WithoutTime<LogEvent>) => void

interface RecordedConnection {
  readonly number: number
  readonly member: string
  readonly role: DriverContext['role']
  readonly note: Note
}

/**
 * Writes down what happens at the interface of drivers, in the order in which it happens.
 *
 * It stands between the core and the driver and changes nothing: what it hears of, the core hears of right after.
 */
export class LogRecorder {
  readonly events: LogEvent[] = []
  readonly #connections: RecordedConnection[] = []
  readonly #leases = new WeakMap<Lease, number>()
  #listeners = 0
  #leaseCount = 0
  #deliveries = 0

  /** The driver of one member. */
  wrap(driver: Driver, member: string): Driver {
    return wrapDriver(driver, { connect: (context) => this.#connect(driver, member, context) })
  }

  /** To be said before a member's links are broken, or the broker is told that it is gone. Default: of either role. */
  unreachable(member: string, role?: DriverContext['role']): void {
    for (const { number, note, ...own } of this.#connections) {
      const isMeant = own.member === member && (role === undefined || own.role === role)
      if (isMeant) note({ kind: 'unreachable', connection: number })
    }
  }

  async #connect(driver: Driver, member: string, context: DriverContext): Promise<DriverConnection> {
    const { role, clock, signal } = context
    const number = this.#connections.length + 1
    const note: Note = (occurrence) => void this.events.push({ atMs: clock.monotonic(), ...occurrence } as LogEvent)
    this.#connections.push({ number, member, role, note })
    note({ kind: 'connects', connection: number, member, role })
    signal.addEventListener('abort', () => note({ kind: 'givenUp', connection: number }), { once: true })
    const report = (event: DriverEvent): void => {
      if (event.kind !== 'unblocked') note({ kind: event.kind, connection: number })
      context.report(event)
    }
    try {
      return this.#recorded(await driver.connect({ ...context, report }), number, note)
    } catch (error) {
      note({ kind: 'connectFails', connection: number })
      throw error
    }
  }

  #recorded(connection: DriverConnection, number: number, note: Note): DriverConnection {
    return wrapConnection(connection, {
      provision: (topology, mode) => {
        noteGroups(topology, note)
        return connection.provision(topology, mode)
      },
      send: (to, batch, done) => connection.send(to, batch, answered(to, batch, done, note)),
      listen: (request, onDelivery) => {
        const listener = ++this.#listeners
        const { source, maxInFlight: mostOpen } = request
        note({ kind: 'listens', listener, connection: number, lane: laneName(source), mostOpen })
        return recordedListener(
          connection.listen(request, (delivery) => this.#deliver(listener, delivery, onDelivery, note)),
          listener,
          note,
        )
      },
      close: async () => {
        note({ kind: 'closes', connection: number })
        await connection.close()
        note({ kind: 'closed', connection: number })
      },
    })
  }

  /** What becomes of it is noted before the driver acts on it. */
  #deliver(listener: number, delivery: Delivery, onDelivery: OnDelivery, note: Note): Promise<Settlement> {
    const number = ++this.#deliveries
    const { id = '', key } = delivery.message
    const lease = this.#leaseOf(delivery.lease, note)
    note({ kind: 'delivered', delivery: number, listener, lease, ...placeOf(delivery), id, key })
    const settled = onDelivery(delivery)
    void settled.then(({ kind }) => note({ kind: 'settled', delivery: number, how: kind }))
    return settled
  }

  #leaseOf(lease: Lease, note: Note): number {
    const known = this.#leases.get(lease)
    if (known !== undefined) return known
    const number = ++this.#leaseCount
    this.#leases.set(lease, number)
    lease.subscribe(() => note({ kind: lease.state === 'recalled' ? 'recalled' : 'leaseLost', lease: number }))
    return number
  }
}

function noteGroups({ channels }: Topology, note: Note): void {
  for (const { name, groups } of channels)
    note({ kind: 'provisioned', channel: name, groups: groups.map((group) => group.name) })
}

function answered(address: Address, batch: readonly Outgoing[], done: SendDone, note: Note): SendDone {
  const to = laneName(address)
  const ids = batch.map(({ message }) => message.id ?? '')
  return (index, failure) => {
    const id = ids[index] ?? ''
    if (failure === undefined) note({ kind: 'confirmed', to, id })
    else note({ kind: 'sendFailed', to, id, outcome: failure.outcome })
    done(index, failure)
  }
}

async function recordedListener(opening: Promise<Listener>, listener: number, note: Note): Promise<Listener> {
  try {
    const opened = await opening
    const { ended } = opened
    void ended.then(() => note({ kind: 'ended', listener }))
    return {
      ended,
      drain: async () => {
        note({ kind: 'drains', listener })
        await opened.drain()
        note({ kind: 'drained', listener })
      },
    }
  } catch (error) {
    note({ kind: 'listenFails', listener })
    throw error
  }
}

/** Drivers of a log name it `shard@place`. */
function placeOf({ position = '' }: Delivery): { readonly shard: string; readonly place: number } {
  const [shard = '', place] = position.split('@')
  return { shard, place: Number(place) }
}
