import { inCore, type CoreMutant } from './core-mutant.ts'

/** Cores that connect, drain and close wrongly. */
export const lifecycle: readonly CoreMutant[] = [
  {
    name: 'core-provisions-once',
    story: 'Gives up at the first failure to provision, even one that passes by itself.',
    patches: inCore(
      'provisioner',
      'if (!failure.retryable || clock.monotonic() >= giveUpAt) throw failure',
      'throw failure',
    ),
    red: {
      'TOP-07/refused for the moment': /planted: it is just being made/,
    },
  },
  {
    name: 'core-provisions-past-close',
    story: 'Waits on between two tries to provision when everything is closed meanwhile.',
    patches: inCore('provisioner', 'return untilAborted(sleeping, this.#closing.signal)', 'return sleeping'),
    red: {
      'TOP-07/refused for the moment': /rejection with closed: not within/,
    },
  },
  {
    name: 'core-works-after-close',
    story: 'Lets sends and consumers start after close.',
    patches: inCore(
      'messaging-client',
      '    if (this.#closing !== undefined) throw closedError()\n',
      '    if (this.#closing === null) throw closedError()\n',
    ),
    red: {
      'LIF-01': /expected a rejection with closed, but it resolved with \{/,
    },
  },
  {
    name: 'core-sends-after-close',
    story: 'Takes sends after close.',
    patches: inCore(
      'messaging-client',
      'if (this.#closing !== undefined && this.#consumers.size === 0) throw closedError()',
      'if (this.#closing === null) throw closedError()',
    ),
    red: {
      'LIF-01': /expected a rejection with closed, but it resolved with \{/,
    },
  },
  {
    name: 'core-producers-work-after-close',
    story: 'Takes sends of a producer that was closed.',
    patches: inCore(
      'channel-producer',
      "    if (this.#closed) return Promise.reject(closedError('the producer'))\n",
      '',
    ),
    red: {
      'LIF-01/one producer': /expected a rejection with closed, but it resolved with \{ id:/,
    },
  },
  {
    name: 'core-closes-twice',
    story: 'Starts to close again with each call.',
    patches: inCore(
      'messaging-client',
      '    this.#closing ??= this.#close(drainMs)',
      '    this.#closing = this.#closing === undefined ? this.#close(drainMs) : Promise.reject(closedError())',
    ),
    red: {
      'LIF-02': /messaging is closed/,
    },
  },
  {
    name: 'core-waits-for-handlers-without-end',
    story: 'Ignores the deadline of close.',
    patches: inCore(
      'intake',
      'await drained.catch(() => this.#abortRunning(graceMs))',
      'await this.idle()\n    await drained.catch(() => this.#abortRunning(graceMs))',
    ),
    red: {
      'LIF-03/broker down': /close: not within/,
      'LIF-05': /close: not within/,
    },
  },
  {
    name: 'core-does-not-wait-for-handlers',
    story: 'Closes at once, whatever runs.',
    patches: inCore(
      'intake',
      'Promise.all([this.idle(), withdrawn]), drainMs - graceMs',
      'Promise.all([this.idle(), withdrawn]), 0 * drainMs',
    ),
    red: {
      'LIF-03': /it waited for the handler, [\d.]+ ms of [\d.]+ ms/,
    },
  },
  {
    name: 'core-aborts-nothing-past-the-deadline',
    story: 'Leaves handlers alone when the time to drain is over.',
    patches: inCore(
      'intake',
      "      task.abort('closed', 'the consumer was closed and its time to drain is over')\n",
      '      void task\n',
    ),
    red: {
      'BAT-06/past the deadline': /actual - expected[\s\S]*\+   undefined[\s\S]*-   'closed'/,
      'LIF-05': /signals that aborted/,
    },
  },
  {
    name: 'core-starts-handlers-while-closing',
    story: 'Runs what was delivered before, and only then closes.',
    patches: inCore(
      'intake',
      'const isEnding = this.#stopped || (this.#stopping && !this.#finishesKeyed)',
      'const isEnding = this.#stopped',
    ).concat(
      inCore(
        'listeners',
        "    this.#options.onWithdrawn(this.#generation, 'drains')\n    const failed",
        '    const failed',
      ),
    ),
    red: {
      'LIF-04/keyed': /what never started was released/,
    },
  },
  {
    name: 'core-runs-after-close',
    story: 'Leaves its listener in place and goes on handling.',
    patches: inCore(
      'listeners',
      '    const drained = Promise.allSettled(listeners.map((listener) => listener.drain()))',
      '    const drained = Promise.resolve([] as PromiseSettledResult<void>[])\n    void listeners',
    ).concat(
      inCore(
        'intake',
        '      const isTooLate = this.#stopped || (this.#stopping && !this.#listeners.isOpening(generation))',
        '      const isTooLate = false',
      ),
      inCore(
        'intake',
        'const isEnding = this.#stopped || (this.#stopping && !this.#finishesKeyed)',
        'const isEnding = false',
      ),
    ),
    red: {
      'LIF-11': /no handler starts after close resolved: the positive control changed nothing, so the watch/,
    },
  },
  {
    name: 'core-does-not-abort-connecting',
    story: 'Ignores the signal of connect.',
    patches: inCore(
      'link',
      'const stopFollowing = epoch.follow(signal)',
      'const stopFollowing = epoch.follow(undefined)',
    ).concat(
      inCore('link', '      if (signal?.aborted) throw abortedError(signal)\n      const opened', '      const opened'),
      inCore('link', 'if (this.#closed || signal?.aborted || leftMs <= 0', 'if (this.#closed || leftMs <= 0'),
      inCore(
        'link',
        "      signal?.addEventListener('abort', end, { once: true })\n      this.#pause",
        '      this.#pause',
      ),
    ),
    red: {
      'LIF-09': /expected a rejection with aborted, but it resolved with MessagingClient \{ send: \[Function:/,
      'LIF-09/waiting for a late broker': /the rejection: not within/,
    },
  },
  {
    name: 'core-does-not-wait-for-a-late-broker',
    story: 'Gives up with the first refusal.',
    patches: inCore(
      'link',
      'const giveUpAt = clock.monotonic() + waitMs',
      'const giveUpAt = clock.monotonic() + 0 * waitMs',
    ),
    red: {
      'LIF-10': /told to wait [\d.]+ ms, it waited [\d.]+ ms/,
    },
  },
  {
    name: 'core-leaves-a-failed-start-open',
    story: 'Keeps the connections of a start that failed.',
    patches: inCore('connection', '    await this.close()\n    throw failed.reason', '    throw failed.reason').concat(
      inCore('connect', '  await Promise.all(connections.map((connection) => connection.close()))\n', ''),
    ),
    red: {
      'LIF-06/a failed start': /the broker sees no more connections than before: not within/,
    },
  },
  {
    name: 'core-leaks-a-timer',
    story: 'Keeps its timers after close.',
    patches: inCore('connection', '    this.timers.clear()\n', '    this.timers.after(60_000, () => {})\n'),
    red: {
      'LIF-06': /everything is released after close: not within/,
      'LIF-07': /everything is released after close: not within/,
    },
  },
  {
    name: 'core-keeps-the-signal-of-connect',
    story: 'Disconnects when the signal that was given to connect aborts later.',
    patches: inCore('link', "    return () => signal.removeEventListener('abort', onAbort)", '    return () => {}'),
    red: {
      'LIF-06': /listeners left on the signal of the caller/,
    },
  },
]
