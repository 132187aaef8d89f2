import { inCore, type CoreMutant } from './core-mutant.ts'

/** Cores whose idempotent receiver is wrong. */
export const guarding: readonly CoreMutant[] = [
  {
    name: 'core-claims-nothing',
    story: 'Runs every duplicate.',
    patches: inCore(
      'idempotent-receiver',
      '    let claim: Claim\n',
      '    let claim: Claim\n    if (key !== "") return work().then(() => done)\n',
    ),
    red: {
      'IDM-01': /billing: [\d.]+ runs/,
    },
  },
  {
    name: 'core-completes-before-the-handler',
    story: 'Marks a message as processed before it is.',
    patches: inCore(
      'idempotent-receiver',
      '    try {\n      await work()\n    } catch',
      '    await this.#complete(holder)\n    try {\n      await work()\n    } catch',
    ).concat(
      inCore(
        'idempotent-receiver',
        '    stopRenewing()\n    return this.#complete(holder)',
        '    stopRenewing()\n    return done',
      ),
    ),
    red: {
      'IDM-06/on a connection that lives': /billing: [\d.]+ runs: not within/,
    },
  },
  {
    name: 'core-keeps-the-claim-of-a-failed-run',
    story: 'Does not let go of its claim when the handler throws.',
    patches: inCore('idempotent-receiver', '      await this.#release(holder)\n      throw error', '      throw error'),
    red: {
      'IDM-02': /billing: [\d.]+ messages handled: not within/,
      'IDM-11': /billing: [\d.]+ messages handled: not within/,
    },
  },
  {
    name: 'core-accepts-busy-messages',
    story: 'Takes a message that another holds for handled.',
    patches: inCore(
      'idempotent-receiver',
      "return { kind: 'later', delayMs: Math.ceil(Math.min(Math.max(claim.retryAfterMs, 1), longestWaitMs)) }",
      'return done',
    ),
    red: {
      'IDM-04': /three looks: not within/,
    },
  },
  {
    name: 'core-waits-where-no-lane-is',
    story: 'Sends what is claimed elsewhere to wait in a lane, also for who has none, since it never retries.',
    profile: 'lanes',
    patches: inCore('recovery', 'canHoldMore(intake) : !canDelay(strategy)', 'canHoldMore(intake) : false'),
    red: {
      'IDM-04/without retries': /handled: not within/,
    },
  },
  {
    name: 'core-counts-looks',
    story: 'Counts an attempt each time it finds that another holds the message.',
    patches: inCore(
      'recovery',
      'this.#retry(task, delayMs, task.attempt - 1)',
      'this.#retry(task, delayMs, task.attempt)',
    ),
    red: {
      'IDM-04/looks are no attempts': /billing: [\d.]+ messages handled: not within/,
    },
  },
  {
    name: 'core-runs-busy-messages',
    story: 'Runs a message that another holds.',
    patches: inCore(
      'idempotent-receiver',
      "return { kind: 'later', delayMs: Math.ceil(Math.min(Math.max(claim.retryAfterMs, 1), longestWaitMs)) }",
      'return work().then(() => done)',
    ),
    red: {
      'IDM-03': /actual - expected[\s\S]*\+   'order-1'/,
      'IDM-05': /the heir ran it [\d.]+ ms after a claim of [\d.]+ ms/,
    },
  },
  {
    name: 'core-trusts-an-old-claim',
    story: 'Takes a run for done although its claim was taken over.',
    patches: inCore(
      'idempotent-receiver',
      'if (await this.#options.store.complete(holder)) return done',
      'await this.#options.store.complete(holder)\n      return done',
    ),
    red: {
      'IDM-06/on a connection that lives': /billing: [\d.]+ runs: not within/,
    },
  },
  {
    name: 'core-store-ignores-fences',
    story: 'Completes a claim for anybody who names its key.',
    patches: inCore(
      'memory-idempotency-store',
      '!entry.isCompleted && entry.fence === fence',
      '!entry.isCompleted && fence > 0',
    ),
    red: {
      'IDM-06': /actual - expected[\s\S]*\+   true[\s\S]*-   false/,
    },
  },
  {
    name: 'core-store-never-forgets-claims',
    story: 'Keeps the claim of a process that died.',
    patches: inCore(
      'memory-idempotency-store',
      'if (entry === undefined || entry.endsAt <= now) return',
      'if (entry === undefined) return',
    ),
    red: {
      'IDM-07/after the handler': /billing: [\d.]+ runs: not within/,
    },
  },
  {
    name: 'core-fails-open',
    story: 'Runs without a claim when the store is down.',
    patches: inCore(
      'idempotent-receiver',
      "      this.#fault('the idempotency store did not answer; the message is retried', error)\n      return { kind: 'later', delayMs: undefined }",
      "      this.#fault('the idempotency store did not answer; the message is retried', error)\n      return work().then(() => done)",
    ),
    red: {
      'IDM-07': /several tries: not within/,
    },
  },
  {
    name: 'core-drops-when-the-store-is-down',
    story: 'Accepts a message whose claim could not be asked for.',
    patches: inCore(
      'idempotent-receiver',
      "      this.#fault('the idempotency store did not answer; the message is retried', error)\n      return { kind: 'later', delayMs: undefined }",
      "      this.#fault('the idempotency store did not answer; the message is retried', error)\n      return done",
    ),
    red: {
      'IDM-07': /several tries: not within/,
    },
  },
  {
    name: 'core-accepts-when-the-store-is-down-after-the-handler',
    story: 'Accepts a message that could not be completed.',
    patches: inCore(
      'idempotent-receiver',
      "the message is given another look', error)\n    }\n    return { kind: 'later', delayMs: undefined }",
      "the message is given another look', error)\n    }\n    return done",
    ),
    red: {
      'IDM-07/after the handler': /billing: [\d.]+ runs: not within/,
    },
  },
  {
    name: 'core-ignores-conflicts',
    story: 'Takes another body under the same id for a duplicate.',
    patches: inCore(
      'idempotent-receiver',
      "      case 'conflict':\n",
      "      case 'conflict':\n        if (scope !== '') return done\n",
    ),
    red: {
      'IDM-08': /[\d.]+ dead letters of billing: not within/,
    },
  },
  {
    name: 'core-checks-no-retention',
    story: 'Uses a store that forgets before the broker delivers again.',
    patches: inCore(
      'demands',
      '  if (store.retentionMs >= redeliveryHorizonMs) return\n',
      '  if (store.retentionMs > 0 || redeliveryHorizonMs > 0) return\n',
    ),
    red: {
      'IDM-09': /expected a rejection with failedPrecondition, but it resolved with ChannelConsumer \{\}/,
    },
  },
  {
    name: 'core-shares-claims-between-groups',
    story: 'Lets one group handle a message for all.',
    patches: inCore('consumer-factory', 'scope: `${channel.name}/${group}`', 'scope: channel.name'),
    red: {
      'IDM-10': /all: [\d.]+ runs: not within/,
    },
  },
  {
    name: 'core-completes-failed-runs',
    story: 'Remembers a failed run as done, so that a redrive is swallowed.',
    patches: inCore(
      'idempotent-receiver',
      '      await this.#release(holder)\n      throw error',
      '      await this.#complete(holder)\n      throw error',
    ),
    red: {
      'IDM-02': /billing: [\d.]+ messages handled: not within/,
    },
  },
]
