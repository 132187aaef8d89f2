import { inCore, type CoreMutant } from './core-mutant.ts'

/** Cores that lose count, write failure records wrongly, or give up on close. */
export const deadLettering: readonly CoreMutant[] = [
  {
    name: 'core-forgets-attempts-in-copies',
    story: 'Sends retries round without counting.',
    patches: inCore('recovery', '[coreHeader.attempt]: String(attempts),', '[coreHeader.attempt]: undefined,'),
    red: {
      'SET-02': /billing: [\d.]+ messages handled: not within/,
    },
  },
  {
    name: 'core-accumulates-failure-records',
    story: 'Adds a record to that of an earlier failure.',
    patches: inCore(
      'recovery',
      'headers: withoutFailure(withoutCounters(task.wire.headers))',
      'headers: withoutCounters(task.wire.headers)',
    ).concat(
      inCore(
        'recovery',
        'const headers = withHeaders(letter.headers, record)',
        'const headers = withHeaders(record, letter.headers)',
      ),
    ),
    red: {
      'RTY-07/of a dead letter that somebody put back as it was': /the record is of the last failure only/,
    },
  },
  {
    name: 'core-records-no-stack',
    story: 'Leaves the stack out of the failure record.',
    patches: inCore(
      'failure-record',
      'headers[`${prefix}stack`] = headerSafe(cutToBytes(stack, leftBytes - Buffer.byteLength(safeMessage)))',
      "headers[`${prefix}stack`] = ''\n  void stackBytes",
    ),
    red: {
      'RTY-05': /The input did not match the regular expression \/no funds\.\*at \.\*caused by: RangeError: bala/,
    },
  },
  {
    name: 'core-cuts-without-a-mark',
    story: 'Cuts long texts and does not say so.',
    patches: inCore('header-text', 'return kept + marker(totalBytes - Buffer.byteLength(kept))', 'return kept'),
    red: {
      'RTY-06': /a marker at the end of %/,
    },
  },
  {
    name: 'core-does-not-cut',
    story: 'Writes stacks of any length into the failure record.',
    patches: inCore(
      'header-text',
      '  if (text.length <= maxBytes && headerSafeBytes(text) <= maxBytes) return text\n',
      '  if (text.length >= 0) return text\n',
    ),
    red: {
      'RTY-06': /[\d.]+ dead letters of billing: not within/,
    },
  },
  {
    name: 'core-accepts-before-the-dead-letter-is-confirmed',
    story: 'Settles the original before its dead letter is safe.',
    patches: inCore(
      'recovery',
      '        await connection.sendOwn(to, message, delayMs)\n        told?.()',
      "        if (to.lane === 'dead') intake.finish(task, { kind: 'accept' })\n        await connection.sendOwn(to, message, delayMs)\n        told?.()",
    ),
    red: {
      'RTY-08/and the process dies of it': /the heir runs it: not within/,
    },
  },
  {
    name: 'core-sends-dead-letters-in-a-hot-loop',
    story: 'Tries a refused dead letter again at once.',
    patches: inCore(
      'recovery',
      'await new Promise<void>((resolve) => connection.timers.after(waitMs, resolve))',
      'await new Promise<void>((resolve) => connection.timers.after(waitMs * 0, resolve))',
    ).concat(
      inCore(
        'send-queue',
        'backoffMs(++this.#failures, this.#runtime.random)',
        '0 * backoffMs(++this.#failures, this.#runtime.random)',
      ),
    ),
    red: {
      'RTY-08': /[\d.]+ tries within [\d.]+ s/,
    },
  },
  {
    name: 'core-dead-letters-on-close',
    story: 'Gives up what fails while it closes.',
    patches: inCore(
      'recovery',
      "    if (intake.isStopping && decision.kind === 'deadLetter') return intake.finish(task, { kind: 'release' })\n",
      '',
    ),
    red: {
      'RTY-13': /closing gives back what is hopeless/,
    },
  },
  {
    name: 'core-counts-a-release',
    story: 'Counts an attempt for what was only given back.',
    patches: inCore(
      'task',
      'return before + deliveries + this.heldRuns',
      'return before + Math.max(1, this.delivery.deliveries ?? 1) + this.heldRuns',
    ),
    red: {
      'SET-07': /round [\d.]+: no attempt counted/,
    },
  },
  {
    name: 'core-waits-for-held-retries-on-close',
    story: 'Keeps what waits for its next attempt until its time has come.',
    patches: inCore('intake', '    this.#releaseHeld()\n    const late', '    const late').concat(
      inCore(
        'intake',
        "if (task.state === 'running' || task.generation",
        "if (task.state === 'running' || task.state === 'held' || task.generation",
      ),
    ),
    red: {
      'RTY-13/held for their order': /close, which does not wait for the retries: not within/,
    },
  },
  {
    name: 'core-gives-back-held-retries-of-a-log',
    story: 'Does not wait for a held retry where all that was handled behind it comes again with it.',
    profile: 'lanes',
    patches: inCore(
      'intake',
      'return this.#finishesKeyed && !this.#isTemporary && task.dueAtMs',
      'return false && task.dueAtMs',
    ),
    red: {
      'LIF-04/behind a held retry': /each handled once, by one of them/,
    },
  },
  {
    name: 'core-drops-held-retries-on-close',
    story: 'Accepts what waits for its next attempt when it closes.',
    patches: inCore(
      'intake',
      "if (task.state === 'running' || task.generation",
      "if (task.state === 'held') this.#close(task, { kind: 'accept' })\n      if (task.state === 'running' || task.generation",
    ),
    red: {
      'RTY-13/held for their order': /billing: [\d.]+ messages handled: not within/,
    },
  },
  {
    name: 'core-lets-poison-hold-its-place',
    story: 'Keeps failed messages in their place until they are retried, so that good ones wait.',
    patches: inCore(
      'retry-strategy',
      '  if (demand.keyed || demand.temporary) return hold(driver, demand)',
      '  if (demand.policy !== undefined) return hold(driver, demand)',
    ),
    red: {
      'RTY-09': /actual - expected[\s\S]*\+   1/,
      'RTY-09/a restart of the broker': /billing: [\d.]+ runs: not within/,
      'RTY-12': /good ones keep [\d.]+ % of their rate|^with poison: \d+ messages handled: not within/,
    },
  },
]
