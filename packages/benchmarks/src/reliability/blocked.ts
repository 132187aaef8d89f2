import { setTimeout as sleep } from 'node:timers/promises'
import type { Entrant } from './entrant.ts'

export interface BlockedOutcome {
  /** How much the process grew, in MiB. */
  readonly grownMiB: number
  readonly rejected: number
}

const sends = 100_000
const overMs = 10_000
const everyMs = 10
const warmUp = 20_000
const settleMs = 60_000
const body = Buffer.alloc(1_024, 'x')

/** Offers 100,000 sends of 1 KiB in 10 s to a broker that blocks, whether or not the ones before have resolved. */
export async function blocked(entrant: Entrant, block: (on: boolean) => Promise<void>): Promise<BlockedOutcome> {
  let rejected = 0
  let settled = 0
  const failed = (): void => {
    settled++
    rejected++
  }
  const succeeded = (): void => void settled++
  for (let sent = 0; sent < warmUp; sent += 1_000) {
    await Promise.all(Array.from({ length: 1_000 }, (_, index) => entrant.send(`w${sent + index}`, body)))
  }
  await block(true)
  const before = process.memoryUsage.rss()
  let most = before
  const startedAt = performance.now()
  for (let offered = 0; offered < sends; ) {
    const due = Math.min(sends, Math.ceil(((performance.now() - startedAt) / overMs) * sends))
    for (; offered < due; offered++) entrant.send(`m${offered}`, body).then(succeeded, failed)
    await sleep(everyMs)
    most = Math.max(most, process.memoryUsage.rss())
  }
  await block(false)
  const endsAt = performance.now() + settleMs
  while (settled < sends && performance.now() < endsAt) await sleep(50)
  return { grownMiB: Math.round((most - before) / 2 ** 20), rejected: rejected + (sends - settled) }
}
