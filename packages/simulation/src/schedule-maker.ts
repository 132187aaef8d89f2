import type { ProfileName } from './profile-name.ts'
import type { MemberPlan, MessagePlan, Schedule, Step } from './schedule.ts'
import { SeededRandom } from './seeded-random.ts'

const stream = 1
const retries = [
  { maxAttempts: 3, delaysMs: [100, 400] },
  { maxAttempts: 4, delaysMs: [50, 200, 1_000] },
  { maxAttempts: 2, delaysMs: [1_000] },
  { maxAttempts: 5, delaysMs: [20] },
  { maxAttempts: 3, delaysMs: [30] },
]

/** The schedule of a seed. */
export function makeSchedule(seed: number, profile: ProfileName): Schedule {
  const random = new SeededRandom(seed, stream)
  const isKeyed = random.oneIn(2)
  const memberCount = random.between(1, 3)
  const members: MemberPlan[] = []
  for (let index = 0; index < memberCount; index++) {
    // The first one always consumes, so that there is somebody in the end.
    const consumes = index === 0 || !random.oneIn(4)
    members.push({ name: 'ABC'[index] as string, consumes, concurrency: random.between(1, 4) })
  }
  const spanMs = random.pick([40, 200, 1_000, 5_000])
  const sends = sendSteps(random, memberCount, spanMs, isKeyed)
  const steps = [...sends, ...faultSteps({ random, sends, members: memberCount, profile, isKeyed })]
  return {
    seed,
    profile,
    isKeyed,
    isIdempotent: random.oneIn(2),
    groups: random.oneIn(3) ? ['billing', 'shipping'] : ['billing'],
    members,
    retry: random.pick(retries),
    timeoutMs: random.oneIn(3) ? 2_000 : undefined,
    latencyMs: random.pick([2, 10, 50]),
    steps: steps.sort((a, b) => a.atMs - b.atMs),
  }
}

function sendSteps(random: SeededRandom, members: number, spanMs: number, isKeyed: boolean): Step[] {
  const steps: Step[] = []
  const keys = isKeyed ? random.between(1, 3) : 3
  const count = random.between(2, 10)
  const sender = random.between(0, members - 1)
  for (let number = 1; number <= count; number++) {
    const member = random.oneIn(4) ? random.between(0, members - 1) : sender
    steps.push({ atMs: random.between(0, spanMs), kind: 'send', member, message: messagePlan(random, number, keys) })
  }
  // Numbers follow the order of sending, so that a story can be followed.
  const times = steps.map(({ atMs }) => atMs).sort((a, b) => a - b)
  return steps.map((step, index) => ({ ...step, atMs: times[index] as number }))
}

function messagePlan(random: SeededRandom, number: number, keys: number): MessagePlan {
  const isBad = random.oneIn(4)
  return {
    number,
    key: `k${random.between(1, keys)}`,
    failures: isBad ? random.pick([1, 1, 2, Infinity]) : 0,
    failsBy: random.pick(['throwing', 'throwing', 'sending', 'retryLater', 'deadLetter']),
    handlerMs: random.pick([0, 1, 5, 20, 100, 1_000]),
    hangs: random.oneIn(25),
    sendTimeoutMs: random.pick([30_000, 30_000, 60_000, 3_000]),
  }
}

interface FaultSite {
  readonly random: SeededRandom
  readonly sends: readonly Step[]
  readonly members: number
  readonly profile: ProfileName
  readonly isKeyed: boolean
}

/** Faults find most where something is going on: soon after a message was sent, or while another fault has its effect. */
function faultSteps(site: FaultSite): Step[] {
  const { random, sends, members } = site
  const count = random.oneIn(8) ? 0 : random.between(1, 6)
  const steps: Step[] = []
  for (let index = 0; index < count; index++) {
    const before = random.oneIn(2) ? steps.at(-1) : undefined
    const afterMs = random.between(0, random.pick([50, 200, 1_500]))
    const atMs = (before ?? random.pick(sends)).atMs + afterMs
    steps.push(faultStep(site, atMs, random.between(0, members - 1)))
  }
  return steps
}

function faultStep({ random, profile, isKeyed }: FaultSite, atMs: number, member: number): Step {
  // A retry that waits by the wall clock waits as long as that is wrong: a day of hops tells nothing new.
  const stepMs = isKeyed || profile === 'lease' ? 86_400_000 : 20_000
  const soon = () => random.pick([0, 10, 100, 500, 2_000])
  switch (random.between(0, 15)) {
    case 0:
    case 1:
      return { atMs, kind: 'crash', member, noticedAfterMs: soon(), downMs: random.pick([10, 500, 5_000]) }
    case 2:
    case 3:
      return {
        atMs,
        kind: 'close',
        member,
        drainMs: random.pick([20, 100, 1_000, 30_000]),
        downMs: random.pick([0, 500]),
      }
    case 4:
    case 5:
    case 6: {
      const role = random.pick(['send', 'receive', 'both'] as const)
      return { atMs, kind: 'cut', member, role, clientNoticesMs: soon(), brokerNoticesMs: soon() }
    }
    case 7:
      return { atMs, kind: 'stall', member, forMs: random.pick([50, 500, 15_000]) }
    case 8:
      return { atMs, kind: 'flaky', member, forMs: random.pick([200, 3_000]) }
    case 9:
      return { atMs, kind: 'outage', forMs: random.pick([100, 2_000, 40_000]) }
    case 10:
      return { atMs, kind: 'block', forMs: random.pick([100, 500, 2_000, 40_000]) }
    case 11:
      return profile === 'log' ? { atMs, kind: 'rebalance' } : { atMs, kind: 'expire', member }
    case 12:
      return profile === 'lease' && isKeyed ? { atMs, kind: 'expire', member } : { atMs, kind: 'duplicate' }
    case 13:
      return random.oneIn(2)
        ? { atMs, kind: 'storeDown', forMs: random.pick([50, 1_000]) }
        : { atMs, kind: 'storeSlow', forMs: random.pick([50, 1_000]) }
    case 14:
      return { atMs, kind: 'clockStep', member, byMs: random.pick([-1, 1]) * stepMs }
    default:
      return random.oneIn(2)
        ? { atMs, kind: 'pause', member, forMs: random.pick([50, 1_000]) }
        : { atMs, kind: 'concurrency', member, to: random.between(1, 4) }
  }
}
