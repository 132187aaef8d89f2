import type { Outcome } from './simulation.ts'
import type { Schedule, Step } from './schedule.ts'

/** Of a long story the beginning and the end are told. */
const firstLines = 30
const lastLines = 60

/** A step in words. */
export function describe(step: Step, { members }: Schedule): string {
  const name = 'member' in step ? `member ${members[step.member]?.name}` : ''
  switch (step.kind) {
    case 'send': {
      const { number, key, failures, hangs } = step.message
      const trouble = failures === Infinity ? ', always fails' : failures > 0 ? `, fails ${failures} times` : ''
      return `${name} sends m${number} of key ${key}${trouble}${hangs ? ', hangs at first' : ''}`
    }
    case 'crash':
      return `${name} crashes, which the broker notices after ${step.noticedAfterMs} ms; it starts again after ${step.downMs} ms`
    case 'close':
      return `${name} closes within ${step.drainMs} ms and starts again ${step.downMs} ms later`
    case 'cut': {
      const which = step.role === 'both' ? 'both links' : `the ${step.role} link`
      return `${which} of ${name} break: it notices after ${step.clientNoticesMs} ms, the broker after ${step.brokerNoticesMs} ms`
    }
    case 'stall':
      return `nothing passes between ${name} and the broker for ${step.forMs} ms`
    case 'flaky':
      return `sends of ${name} are refused or their answers lost for ${step.forMs} ms`
    case 'outage':
      return `the broker is down for ${step.forMs} ms`
    case 'block':
      return `the broker blocks senders for ${step.forMs} ms`
    case 'rebalance':
      return 'the broker moves its partitions'
    case 'expire':
      return `the leases of ${name} end early`
    case 'duplicate':
      return 'the broker delivers a message twice'
    case 'storeDown':
      return `the idempotency store does not answer for ${step.forMs} ms`
    case 'storeSlow':
      return `the idempotency store takes its time for ${step.forMs} ms`
    case 'clockStep':
      return `the wall clock of ${name} steps by ${step.byMs} ms`
    case 'pause':
      return `${name} pauses for ${step.forMs} ms`
    case 'concurrency':
      return `${name} sets its concurrency to ${step.to}`
  }
}

/** The schedule that led to a violation, and what came of it, to be read from top to bottom. */
export function tell(schedule: Schedule, outcome: Outcome): string {
  const { members, groups, isKeyed, isIdempotent, retry, timeoutMs, profile } = schedule
  const who = members.map(({ name, consumes, concurrency }) =>
    consumes ? `${name} (${concurrency} at a time)` : `${name} (sends only)`,
  )
  const order = isKeyed ? `one at a time per key` : 'in any order'
  const extras = `${isIdempotent ? ', with an idempotency store' : ''}${timeoutMs === undefined ? '' : `, at most ${timeoutMs} ms a run`}`
  const lines = [
    `A broker of the kind "${profile}", the members ${who.join(', ')}, the groups ${groups.join(', ')}, ${order}${extras};`,
    `${retry.maxAttempts} attempts, after ${retry.delaysMs.join(', ')} ms.`,
    '',
    ...abridged(outcome.trace.lines.filter((line) => !line.includes(': event '))),
  ]
  return lines.join('\n')
}

function abridged(lines: readonly string[]): readonly string[] {
  const left = lines.length - firstLines - lastLines
  if (left <= 1) return lines
  return [...lines.slice(0, firstLines), `… ${left} lines more …`, ...lines.slice(-lastLines)]
}
