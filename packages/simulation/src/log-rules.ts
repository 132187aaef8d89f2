import type { Holding } from './holding.ts'
import type { EventOf, LogEvent } from './log-event.ts'
import { keyIn, type LogHistory } from './log-history.ts'
import type { ShardPast } from './shard-past.ts'

/** What one look at an event found: how often the rule was put to the test, and how it was broken. */
export interface Verdict {
  readonly tried: number
  readonly broken?: string
}

export interface LogRule {
  /** What holds of a log, in plain words. */
  readonly says: string
  /** Looks at what is about to happen, which is not in the history yet; `end`: nothing more does. */
  readonly check: (event: LogEvent | 'end', history: LogHistory) => Verdict | undefined
}

/** What holds of a log and those who read it, on a simulated broker as on a real one. */
export const logRules = {
  'one-holder': {
    says: 'nothing is delivered from a shard while another holder, who can be reached, still has it',
    check: ofDelivery((event, history) => {
      const { holdings } = history.shardOf(event)
      const others = holdings.filter((each) => each !== history.holdings.get(event.lease))
      if (others.length === 0 || isOutOfReach(event, history)) return undefined
      return verdict(!others.some(({ isAtWork }) => isAtWork), () => `${at(event)} while ${membersOf(others)} has it`)
    }),
  },
  'in-order': {
    says: 'one holder gets one place after the other, and leaves none out',
    check: ofDelivery((event, history) => {
      const holding = history.holdings.get(event.lease)
      if (holding === undefined) return undefined
      return verdict(event.place === holding.last + 1, () => `${at(event)} comes after ${holding.last}`)
    }),
  },
  'nothing-skipped': {
    says: 'a new holder begins no later than behind the unbroken run that some holder settled',
    check: ofBeginning((event, { reach }) =>
      verdict(event.place <= reach, () => `${at(event)} comes first, but only ${reach} places are settled`),
    ),
  },
  'handed-over-exactly': {
    says: 'after a holder that gave its shard up with nothing out, the next begins exactly where that one ended',
    check: ofBeginning((event, { latest }, history) => {
      if (latest?.isInOrder !== true || isOutOfReach(event, history)) return undefined
      return verdict(event.place === latest.prefix, () => `${at(event)} comes first, not ${latest.prefix}`)
    }),
  },
  'commits-kept': {
    says: 'after any other end, a new holder does not go back behind what was settled in one run a grace before it',
    check: ofBeginning((event, { latest }, history) => {
      if (latest === undefined || latest.isInOrder || isOutOfReach(event, history)) return undefined
      const kept = latest.prefixAt(Math.min(event.atMs, latest.trustedUntilMs) - history.times.graceMs)
      return verdict(event.place >= kept, () => `${at(event)} comes first, though ${kept} places were settled long ago`)
    }),
  },
  'release-stops': {
    says: 'behind what a holder gave back it gets nothing more of that shard',
    check: (event, history) => {
      if (event === 'end') return undefined
      if (event.kind === 'settled' && event.how !== 'accept') {
        return history.deliveries.get(event.delivery)?.holding.state === 'lost' ? undefined : { tried: 1 }
      }
      if (event.kind !== 'delivered' || history.holdings.get(event.lease)?.isReleased !== true) return undefined
      return { tried: 0, broken: `${at(event)} comes behind what was given back` }
    },
  },
  'recalled-first': {
    says: 'who can be reached is asked for a shard before it is taken away',
    check: ofTaking(({ lease }, holding) =>
      verdict(holding.state === 'recalled', () => `lease ${lease} of ${membersOf([holding])} is lost`),
    ),
  },
  'time-to-finish': {
    says: 'what is out when a shard is asked back has its time to finish before the shard is taken away',
    check: ofTaking(({ lease, atMs }, { state, open, recalledAtMs }, { times }) => {
      if (state !== 'recalled' || open.size === 0) return undefined
      const hadMs = atMs - recalledAtMs
      return verdict(hadMs >= times.finishMs, () => `lease ${lease} is lost ${hadMs} ms after its recall`)
    }),
  },
  'nothing-after-end': {
    says: 'nothing is delivered once the lease is recalled or lost, the listener drains, or the connection is over',
    check: (event, history) => {
      if (event === 'end') return undefined
      if (ends.has(event.kind)) return { tried: 1 }
      if (event.kind !== 'delivered') return undefined
      const { isOver, connection } = history.listener(event.listener)
      const { state = 'held' } = history.holdings.get(event.lease) ?? {}
      if (!isOver && connection.endedAtMs === Infinity && state === 'held') return undefined
      return { tried: 0, broken: `${at(event)} comes after the end` }
    },
  },
  'within-window': {
    says: 'a listener has no more out at a time than it asked for',
    check: ofDelivery((event, history) => {
      const { open, mostOpen } = history.listener(event.listener)
      return verdict(open < mostOpen, () => `${at(event)} is one more than ${mostOpen}`)
    }),
  },
  'log-is-fixed': {
    says: 'a place always holds the same message, and a key always has the same shard',
    check: ofDelivery((event, history) => {
      const { ids, lane } = history.shardOf(event)
      const { place, id, key, shard } = event
      const known = ids.get(place) ?? id
      const home = key === undefined ? shard : (lane.shardOf.get(keyIn(shard, key)) ?? shard)
      return verdict(known === id && home === shard, () => `${at(event)} is ${id} of ${key}, not ${known} in ${home}`)
    }),
  },
  'all-delivered': {
    says: 'whoever listens gets every confirmed send, in each of its groups, and in the end all is settled',
    check: (event, history) => (event === 'end' ? whole(history) : undefined),
  },
} as const satisfies { readonly [name: string]: LogRule }

export type LogRuleName = keyof typeof logRules

/** What may be the last that a holder hears. */
const ends: ReadonlySet<LogEvent['kind']> = new Set(['recalled', 'leaseLost', 'drains', 'ended', 'lost', 'closed'])

function ofDelivery(look: (event: EventOf<'delivered'>, history: LogHistory) => Verdict | undefined): LogRule['check'] {
  return (event, history) => (event !== 'end' && event.kind === 'delivered' ? look(event, history) : undefined)
}

/** Of the first delivery that a holder gets. */
function ofBeginning(
  look: (event: EventOf<'delivered'>, shard: ShardPast, history: LogHistory) => Verdict | undefined,
): LogRule['check'] {
  return ofDelivery((event, history) =>
    history.holdings.has(event.lease) ? undefined : look(event, history.shardOf(event), history),
  )
}

/** Of a lease that ends though its holder can be reached and did not let go by itself. */
function ofTaking(
  look: (event: EventOf<'leaseLost'>, holding: Holding, history: LogHistory) => Verdict | undefined,
): LogRule['check'] {
  return (event, history) => {
    if (event === 'end' || event.kind !== 'leaseLost') return undefined
    const holding = history.holdings.get(event.lease)
    return holding?.isAtWork === true && !holding.listener.isOver ? look(event, holding, history) : undefined
  }
}

/** What comes late to a member that was cut off may have gone elsewhere long ago. */
function isOutOfReach({ listener }: EventOf<'delivered'>, history: LogHistory): boolean {
  return !history.listener(listener).connection.isTrusted
}

function verdict(holds: boolean, detail: () => string): Verdict {
  return holds ? { tried: 1 } : { tried: 1, broken: detail() }
}

function at({ shard, place, atMs, listener }: EventOf<'delivered'>): string {
  return `${shard}@${place}, to listener ${listener} at ${Math.round(atMs)} ms,`
}

function membersOf(holdings: readonly Holding[]): string {
  return [
    ...new Set(holdings.filter(({ isAtWork }) => isAtWork).map(({ listener }) => listener.connection.member)),
  ].join()
}

function whole(history: LogHistory): Verdict {
  const missing: string[] = []
  let tried = 0
  for (const [address, sends] of history.confirmed) {
    for (const lane of history.lanesOf(address)) {
      const { placesOf, heardUntilMs } = history.lane(lane)
      for (const [id, times] of sends) {
        const count = times.filter((atMs) => atMs < heardUntilMs - history.times.graceMs).length
        tried += count
        if ((placesOf.get(id)?.size ?? 0) < count) missing.push(`${id} in ${lane}`)
      }
    }
  }
  for (const { shards } of history.lanes.values()) {
    for (const [name, { ids, accepted }] of shards)
      for (const place of ids.keys()) if (!accepted.has(place)) missing.push(`the settlement of ${name}@${place}`)
  }
  return verdictOf(tried, missing)
}

const shown = 5

function verdictOf(tried: number, missing: readonly string[]): Verdict {
  if (missing.length === 0) return { tried }
  const more = missing.length > shown ? ` and ${missing.length - shown} more` : ''
  return { tried, broken: `missing: ${missing.slice(0, shown).join(', ')}${more}` }
}
