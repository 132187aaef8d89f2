import type { Capabilities } from '@waybill/core/driver'
import { profiles } from './profile.ts'

/** What the profile `log` declares otherwise than Kafka does, and why it may. */
const differences: { readonly [capability: string]: string } = {
  'send.maxBatch': 'small batches make more of them',
  'send.maxBatchBytes': 'small batches make more of them',
  'send.maxBatchesInFlight': 'more under way at a time is harder to keep in order',
  'send.blocks': 'the waiting of senders is tried on every profile',
  holdMs: 'longer than any simulation',
  temporary: 'broadcasts take no part in the simulation',
  replay: 'late groups take no part in the simulation',
  byteBound: 'bodies are one byte',
  inspect: 'nobody looks',
  maxBodyBytes: 'bodies are one byte',
  maxHeaderBytes: 'headers are few',
  maxHeaders: 'headers are few',
  maxNameLength: 'names are short',
}

/** How the declarations of a real log differ from those of the profile beyond what has a reason, a line each. */
export function declarationProblems(real: Capabilities): readonly string[] {
  const [one, other] = [flat(profiles.log.capabilities), flat(real)]
  const names = new Set([...Object.keys(one), ...Object.keys(other)])
  return [...names].flatMap((name) => {
    const isSame = one[name] === other[name]
    if (isSame === (differences[name] === undefined)) return []
    return [
      isSame
        ? `${name}: no longer different`
        : `${name}: ${one[name]} in the simulation, ${other[name]} on the real log`,
    ]
  })
}

function flat(value: object, before = ''): { readonly [name: string]: string } {
  const entries = Object.entries(value).flatMap(([name, each]): (readonly [string, string])[] => {
    const isGroup = typeof each === 'object' && each !== null && !Array.isArray(each)
    return isGroup ? Object.entries(flat(each, `${before}${name}.`)) : [[before + name, String(each)]]
  })
  return Object.fromEntries(entries)
}
