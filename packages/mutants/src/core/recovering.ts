import { inCore, type CoreMutant } from './core-mutant.ts'

/** Cores that decide wrongly what becomes of a failure. */
export const recovering: readonly CoreMutant[] = [
  {
    name: 'core-tries-once-more',
    story: 'Dead-letters one attempt too late.',
    patches: inCore('failure-decision', 'if (attempt >= policy.maxAttempts)', 'if (attempt > policy.maxAttempts)'),
    red: {
      'RTY-02': /actual - expected[\s\S]*\+   4/,
      'RTY-02/a single attempt': /!== '1'$/m,
      'RDR-04': /!== '3'$/m,
    },
  },
  {
    name: 'core-gives-up-early',
    story: 'Dead-letters one attempt too early.',
    patches: inCore('failure-decision', 'if (attempt >= policy.maxAttempts)', 'if (attempt >= policy.maxAttempts - 1)'),
    red: {
      'SET-14': /^forty runs: not within/,
      'RTY-10/held for their order': /run [\d.]+: not within/,
    },
  },
  {
    name: 'core-never-gives-up',
    story: 'Retries without end.',
    patches: inCore('failure-decision', "  if (attempt >= policy.maxAttempts) return { kind: 'deadLetter' }\n", ''),
    red: {
      'RTY-02/a single attempt': /[\d.]+ dead letters of billing: not within/,
    },
  },
  {
    name: 'core-accepts-failures',
    story: 'Takes a throw for a success.',
    patches: inCore(
      'delivery-run',
      '    this.#options.recovery.failed(\n      task,\n      timedOut',
      '    if (task !== undefined) return this.#options.intake().finish(task, accept)\n    this.#options.recovery.failed(\n      task,\n      timedOut',
    ),
    red: {
      'RTY-02/attempts without end': /billing: [\d.]+ messages handled: not within/,
    },
  },
  {
    name: 'core-ignores-retry-if',
    story: 'Retries what is not worth retrying.',
    patches: inCore(
      'failure-decision',
      "return retryIf(error) ? { kind: 'retry', delayMs } : { kind: 'deadLetter' }",
      "void retryIf(error)\n    return { kind: 'retry', delayMs }",
    ),
    red: {
      'RTY-03': /retryIf decides; when it throws, the message is retried/,
    },
  },
  {
    name: 'core-looks-at-the-outermost-error-only',
    story: 'Misses deadLetter() and retryLater() that were wrapped on their way.',
    patches: inCore('outcome', 'depth < 8', 'depth < 1'),
    red: {
      'RTY-04': /attempts of item [\d.]+/,
    },
  },
  {
    name: 'core-ignores-retry-later',
    story: 'Uses the delay of the policy where another was asked for.',
    patches: inCore(
      'failure-decision',
      "if (askedMs <= maxDelayMs) return { kind: 'retry', delayMs: askedMs }",
      "if (askedMs <= maxDelayMs) return { kind: 'retry', delayMs: policyMs }",
    ),
    red: {
      'RTY-04': /item [\d.]+ came after [\d.]+ ms/,
    },
  },
  {
    name: 'core-uses-the-first-delay',
    story: 'Waits as long before the last attempt as before the second.',
    patches: inCore(
      'retry-policy',
      'return delaysMs[Math.min(attempt, delaysMs.length) - 1] ?? 0',
      'return attempt > 0 ? (delaysMs[0] ?? 0) : 0',
    ),
    red: {
      'RTY-10': /actual - expected[\s\S]*\+   40[\s\S]*-   80/,
      'RTY-10/held for their order': /run [\d.]+ is early/,
    },
  },
  {
    name: 'core-retries-early',
    story: 'Takes a delay for a ceiling.',
    patches: inCore(
      'retry-policy',
      'return delaysMs[Math.min(attempt, delaysMs.length) - 1] ?? 0',
      'return Math.floor((delaysMs[Math.min(attempt, delaysMs.length) - 1] ?? 0) / 2)',
    ),
    red: {
      'SET-04/while the key is held': /[\d.]+ ms asked, [\d.]+ ms waited/,
    },
  },
  {
    name: 'core-retries-at-once-without-breath',
    story: 'Lets a message that always fails go round as fast as it can.',
    patches: inCore('recovery', 'const retriesAtOnce = 10', 'const retriesAtOnce = Infinity'),
    red: {
      'SET-14/without end': /runs per second|a timer of 1,000 ms took/,
    },
  },
  {
    name: 'core-checks-no-delays',
    story: 'Finds out that the broker cannot delay so long when the first message fails.',
    patches: inCore('retry-strategy', '  if (longestMs <= maxMs) return\n', '  if (longestMs >= 0) return\n'),
    red: {
      'SET-05': /expected a rejection with unsupported, but it resolved with ChannelConsumer \{\}/,
    },
  },
  {
    name: 'core-listens-to-its-own-lanes-only',
    story: 'Leaves what waits for the delays of an earlier deployment where it is.',
    profile: 'lanes',
    patches: inCore('channel-consumer', ', ...connection.provisioner.lanesOf(channel.name, group)])', '])'),
    red: {
      'RTY-14': /billing: [\d.]+ messages handled: not within/,
    },
  },
]
