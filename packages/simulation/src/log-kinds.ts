import type { Holding } from './holding.ts'
import type { EventOf, LogEvent } from './log-event.ts'
import type { LogHistory } from './log-history.ts'

export interface LogKind {
  /** Whether it is about to happen; the event is not in the history yet. */
  readonly sees: (event: LogEvent, history: LogHistory) => boolean
  /** Why a run on a real broker may be without it. The simulation never is. */
  readonly rareBecause?: string
}

/** Kinds of things that happen to a log and those who read it. What happens on one side has to happen on the other. */
export const logKinds = {
  'handed over after a recall, with nothing out': {
    sees: ofLoss(({ state, open }) => state === 'recalled' && open.size === 0),
  },
  'taken away after a recall, with messages out': {
    sees: ofLoss(({ state, open, isAtWork }) => state === 'recalled' && open.size > 0 && isAtWork),
  },
  'taken away without a recall, over a connection that holds': {
    sees: ofLoss(
      ({ state, listener: { isOver, connection } }) =>
        state === 'held' && !isOver && connection.overAtMs === Infinity && connection.unreachableAtMs < Infinity,
    ),
  },
  'lost with the connection': {
    sees: ofLoss(({ listener: { connection } }) => connection.overAtMs < Infinity),
  },
  'begun where a listener that drained left off': {
    sees: ofBeginning((_, history, latest) => latest.isInOrder && latest.listener.isOver),
  },
  'begun where a listener that was recalled left off': {
    sees: ofBeginning((_, history, latest) => latest.isInOrder && !latest.listener.isOver),
  },
  'begun anew after a crash or a cut': {
    sees: ofBeginning((_, history, latest) => latest.listener.connection.unreachableAtMs < Infinity),
  },
  'begun while a holder that cannot be reached believes that it has it': {
    sees: ofBeginning(
      ({ listener }, history, { state, listener: past }) =>
        state === 'held' && past.connection.overAtMs === Infinity && past !== history.listener(listener),
    ),
    rareBecause: 'heartbeats are shorter than sessions: on Kafka who is given up mostly knows before others begin',
  },
  'back with a listener that had it before': {
    sees: ofBeginning((event, history) => {
      const own = history.listener(event.listener)
      return history.shardOf(event).holdings.some(({ listener }) => listener === own)
    }),
  },
  'delivered again, not settled before': {
    sees: ofDelivery((event, history) => {
      const { ids, accepted } = history.shardOf(event)
      return ids.has(event.place) && !accepted.has(event.place)
    }),
  },
  'delivered again, though it was settled': {
    sees: ofDelivery((event, history) => history.shardOf(event).accepted.has(event.place)),
  },
  'several members at work on one lane': {
    sees: ofDelivery((event, history) => {
      const { lane } = history.shardOf(event)
      const own = history.listener(event.listener)
      const latest = [...lane.shards.values()].flatMap((shard) => shard.latest ?? [])
      return latest.some(({ isAtWork, listener }) => isAtWork && listener.connection.member !== own.connection.member)
    }),
  },
  'a listener with several shards': {
    sees: ofDelivery(
      ({ listener }, history) => history.listener(listener).holdings.filter(({ isAtWork }) => isAtWork).length > 1,
    ),
  },
  'a window that is full': {
    sees: ofDelivery(({ listener }, history) => {
      const { open, mostOpen } = history.listener(listener)
      return open + 1 === mostOpen
    }),
  },
  'a retry through its lane': {
    sees: ofDelivery(({ listener }, history) => history.listener(listener).lane.includes('/delay.')),
  },
  'a dead letter': {
    sees: (event) => event.kind === 'confirmed' && event.to.endsWith('/dead'),
  },
  'a message that stands in a main lane twice': {
    sees: ofDelivery((event, history) => {
      const { id, shard, place, listener } = event
      const places = history.shardOf(event).lane.placesOf.get(id) ?? []
      return history.listener(listener).lane.endsWith('/main') && [...places].some((at) => at !== `${shard}@${place}`)
    }),
  },
  'settled out of order': {
    sees: ofSettlement(({ how, holding, place }) => {
      return how === 'accept' && holding.state !== 'lost' && [...holding.open].some((other) => other < place)
    }),
  },
  'given back while draining': {
    sees: ofSettlement(
      ({ how, holding: { state, listener } }) => how !== 'accept' && state !== 'lost' && listener.isOver,
    ),
  },
  'settled when the lease was lost already': {
    sees: ofSettlement(({ holding }) => holding.state === 'lost'),
  },
  'a drain with messages out': {
    sees: (event, history) => event.kind === 'drains' && history.listener(event.listener).open > 0,
  },
  'a drain with nothing out': {
    sees: (event, history) => event.kind === 'drains' && history.listener(event.listener).open === 0,
  },
  'a listener that cannot be opened': { sees: (event) => event.kind === 'listenFails' },
  'a connection that is lost': { sees: (event) => event.kind === 'lost' },
  'a connection that cannot be opened': { sees: (event) => event.kind === 'connectFails' },
  'a send that was confirmed': { sees: (event) => event.kind === 'confirmed' },
  'a send that failed, and may have arrived': {
    sees: (event) => event.kind === 'sendFailed' && event.outcome === 'unknown',
  },
  'a send that failed, and did not arrive': {
    sees: (event) => event.kind === 'sendFailed' && event.outcome === 'notSent',
    rareBecause: 'Kafka turns a send away for what lasts, as a topic that is gone; that is SND-02 of the kit',
  },
  'senders asked to wait': {
    sees: (event) => event.kind === 'blocked',
    rareBecause: 'Kafka asks nobody to wait; the core is tried on it with every profile',
  },
  'a settlement that fails, and is said to': {
    sees: (event) => event.kind === 'settleFailed',
    rareBecause: 'on Kafka it takes a commit between an expulsion and the next heartbeat, which not every run has',
  },
} as const satisfies { readonly [name: string]: LogKind }

export type LogKindName = keyof typeof logKinds

type Looks<E> = (event: E, history: LogHistory) => boolean

function ofDelivery(sees: Looks<EventOf<'delivered'>>): LogKind['sees'] {
  return (event, history) => event.kind === 'delivered' && sees(event, history)
}

/** The first delivery under a lease, of a shard that somebody had before. */
function ofBeginning(
  sees: (event: EventOf<'delivered'>, history: LogHistory, latest: Holding) => boolean,
): LogKind['sees'] {
  return ofDelivery((event, history) => {
    const { latest } = history.shardOf(event)
    return latest !== undefined && !history.holdings.has(event.lease) && sees(event, history, latest)
  })
}

function ofLoss(sees: (holding: Holding) => boolean): LogKind['sees'] {
  return (event, history) => {
    const holding = event.kind === 'leaseLost' ? history.holdings.get(event.lease) : undefined
    return holding !== undefined && sees(holding)
  }
}

function ofSettlement(sees: (settled: { how: string; holding: Holding; place: number }) => boolean): LogKind['sees'] {
  return (event, history) => {
    if (event.kind !== 'settled') return false
    const { holding, place } = history.deliveries.get(event.delivery) as { holding: Holding; place: number }
    return sees({ how: event.how, holding, place })
  }
}
