import { inCore, type CoreMutant } from './core-mutant.ts'

/** Cores that pause, change their concurrency, lose leases or miss messages wrongly. */
export const pausing: readonly CoreMutant[] = [
  {
    name: 'core-never-pauses',
    story: 'Ignores pause.',
    patches: inCore(
      'intake',
      '    if (this.#paused) return\n    this.#paused = true\n',
      '    if (!this.#paused) return\n',
    ),
    red: {
      'FLW-06/a broadcast': /nothing starts while paused: something changed within [\d.]+ ms/,
    },
  },
  {
    name: 'core-keeps-what-it-has-while-paused',
    story: 'Pauses without giving back what never started.',
    patches: inCore(
      'intake',
      '    void this.#listeners.withdraw()\n    if (this.isGivingBack) this.#options.giveBack()\n    else this.#options.flush()\n',
      '',
    ),
    red: {
      'FLW-06': /the broker has [\d.]+ waiting and [\d.]+ unsettled: not within/,
      'FLW-06/in batches': /the broker has [\d.]+ waiting and [\d.]+ unsettled: not within/,
    },
  },
  {
    name: 'core-never-resumes',
    story: 'Does not listen again after a pause.',
    patches: inCore('intake', '    this.#listeners.resume()\n', ''),
    red: {
      'FLW-06/through a lost connection': /billing: [\d.]+ messages handled: not within/,
    },
  },
  {
    name: 'core-forgets-the-pause-on-reconnect',
    story: 'Listens in a new epoch although it is paused.',
    patches: inCore('intake', 'isWanted: () => !this.#paused && !this.#stopping', 'isWanted: () => !this.#stopping'),
    red: {
      'FLW-06/through a lost connection': /the broker has [\d.]+ waiting and [\d.]+ unsettled: not within/,
    },
  },
  {
    name: 'core-keeps-its-first-concurrency',
    story: 'Ignores a changed concurrency.',
    patches: inCore('intake', '    this.concurrency = concurrency\n    if (isOtherWindow', '    if (isOtherWindow'),
    red: {
      'FLW-07/while paused': /billing: [\d.]+ runs: not within/,
    },
  },
  {
    name: 'core-keeps-its-first-window',
    story: 'Runs more with a higher concurrency, and asks the broker for as many as before.',
    patches: inCore(
      'intake',
      'if (isOtherWindow && !this.#paused',
      'if (isOtherWindow && this.#stopping && !this.#paused',
    ),
    red: {
      'FLW-07': /^eight run: not within/,
    },
  },
  {
    name: 'core-listens-before-it-has-drained',
    story: 'Forgets to hand back what was delivered to the former listener.',
    patches: inCore(
      'listeners',
      "    this.#options.onWithdrawn(this.#generation, 'drains')\n    const failed",
      '    const failed',
    ),
    red: {
      'FLW-07': /the broker has [\d.]+ waiting and [\d.]+ unsettled: not within/,
    },
  },
  {
    name: 'core-does-not-abort-lost-runs',
    story: 'Lets a handler run on when the lease is lost.',
    patches: inCore(
      'intake',
      "    task.abort('leaseLost', 'the broker took the message back: the connection or the lease was lost')\n",
      '',
    ),
    red: {
      'SET-11': /all five are told: not within/,
    },
  },
  {
    name: 'core-tells-no-gap',
    story: 'Says nothing of messages that a broadcast has missed.',
    patches: inCore('listeners', '      this.#options.onGap()', '      void this.#options'),
    red: {
      'TOP-14': /the gap is noticed: not within/,
    },
  },
  {
    name: 'core-tells-gaps-at-start',
    story: 'Reports a gap with the first listening.',
    patches: inCore(
      'listeners',
      '        this.#started?.resolve()\n        this.#started = undefined\n',
      '        this.#started?.resolve()\n        this.#started = undefined\n        this.miss()\n',
    ),
    red: {
      'TOP-14': /no gap without a lost connection/,
    },
  },
  {
    name: 'core-is-caught-up-too-soon',
    story: 'Resolves caughtUp while handlers still run.',
    patches: inCore(
      'channel-consumer',
      "while (open.some((task) => task.state !== 'settled'))",
      "while (open.some((task) => task.state === 'waiting' && task.isLost))",
    ),
    red: {
      'TOP-14/caughtUp': /round [\d.]+: handled when caughtUp resolves/,
    },
  },
]
