import type { FailedSeed } from './campaign.ts'
import { realMs } from './real-world.ts'
import { invariants } from './violation.ts'

/** What a failing seed has to say: what fell, how to see it again, and the shortest story of it. */
export function failureText({ seed, profile, violation, without, story }: FailedSeed): string {
  const replay = `npm run simulate -- --profile ${profile} --seed ${seed}`
  const shorter = without.length === 0 ? '' : `\nwithout what does not matter: ${replay} --without ${without.join(',')}`
  return `${invariants[violation.invariant]}: ${violation.detail}\nreplay: ${replay}${shorter}\n\n${story}`
}

const everyMs = 10_000

/** Says now and then how far it is. */
export class ProgressLine {
  readonly #all: number
  readonly #startedAtMs = realMs()
  #lastAtMs = realMs()

  constructor(all: number) {
    this.#all = all
  }

  show(done: number): void {
    const nowMs = realMs()
    if (nowMs - this.#lastAtMs < everyMs) return
    this.#lastAtMs = nowMs
    const perSecond = done / ((nowMs - this.#startedAtMs) / 1_000)
    const leftSeconds = Math.round((this.#all - done) / perSecond)
    process.stderr.write(`${done} of ${this.#all}, ${Math.round(perSecond)} per second, about ${leftSeconds} s to go\n`)
  }
}
