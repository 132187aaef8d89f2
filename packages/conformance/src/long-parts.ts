import type { Behaviour } from './behaviour.ts'
import type { BehaviourId } from './catalogue.ts'

/** The parts of a long run, in their order, and the cases of each. What is tagged long and not named here is `sizes`. */
export const longParts = {
  kills: ['FLT-01', 'FLT-02'],
  resets: ['FLT-03', 'FLT-13', 'FLT-14', 'FLT-15'],
  links: ['FLT-04', 'FLT-05', 'FLT-06'],
  crashes: ['FLT-09'],
  members: ['FLT-10', 'ORD-05'],
  blocked: ['FLT-12', 'SND-11'],
  poison: ['RTY-12'],
  clock: ['FLT-16'],
  sigterm: ['LIF-12'],
  fuzz: ['MSG-15', 'MSG-16'],
  sizes: [],
} as const satisfies { readonly [part: string]: readonly BehaviourId[] }

export type LongPart = keyof typeof longParts

export function partOf({ id }: Behaviour): LongPart {
  const named = Object.entries(longParts).find(([, ids]) => (ids as readonly string[]).includes(id))
  return (named?.[0] ?? 'sizes') as LongPart
}

/**
 * The cases that run in full, in the order of their parts. `only`: names of parts or ids of cases; all when empty.
 *
 * @throws Error on a name that is neither.
 */
export function longCases(cases: readonly Behaviour[], only: readonly string[]): readonly Behaviour[] {
  const long = cases.filter(({ tags }) => tags?.includes('long'))
  const known = [...Object.keys(longParts), ...new Set(long.map(({ id }) => id))]
  const unknown = only.filter((name) => !known.includes(name))
  if (unknown.length > 0) throw new Error(`--only: no part named ${unknown.join(', ')}; there are ${known.join(', ')}`)
  const order = Object.keys(longParts)
  return long
    .filter((each) => only.length === 0 || only.includes(each.id) || only.includes(partOf(each)))
    .sort((a, b) => order.indexOf(partOf(a)) - order.indexOf(partOf(b)))
}
