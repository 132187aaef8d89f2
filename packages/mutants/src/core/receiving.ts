import { inCore, type CoreMutant } from './core-mutant.ts'

/** Cores that decode, order, or run what they are given wrongly. */
export const receiving: readonly CoreMutant[] = [
  {
    name: 'core-retries-the-unreadable',
    story: 'Gives a message whose body cannot be read its attempts.',
    patches: inCore(
      'delivery-run',
      '    recovery.deadLetter(task, error, 1, nowMs)',
      '    void nowMs\n    recovery.failed(task, asAny(error))',
    ).concat(
      inCore(
        'delivery-run',
        "const accept = { kind: 'accept' } as const",
        "const accept = { kind: 'accept' } as const\nconst asAny = (error: unknown) => new Error(String(error))",
      ),
    ),
    red: {
      'MSG-11': /!== '1'$/m,
    },
  },
  {
    name: 'core-drops-the-unreadable',
    story: 'Accepts a message whose body cannot be read.',
    patches: inCore(
      'delivery-run',
      '    recovery.deadLetter(task, error, 1, nowMs)',
      "    intake().finish(task, { kind: 'accept' })",
    ),
    red: {
      'MSG-11': /[\d.]+ dead letters: not within/,
    },
  },
  {
    name: 'core-hands-on-the-unreadable',
    story: 'Gives the handler a message that does not fit the schema.',
    patches: inCore(
      'message-decoder',
      '  throw failed(channel, `it does not fit the schema: ${describeIssues(result.issues)}`)',
      '  return { type, data: undefined, known: true }',
    ),
    red: {
      'MSG-11': /[\d.]+ dead letters: not within/,
    },
  },
  {
    name: 'core-ignores-problems-of-the-envelope',
    story: 'Handles a message that the mapper could not read.',
    patches: inCore('message-decoder', 'if (wire.problem !== undefined) throw', 'if (wire.problem === "never") throw'),
    red: {
      'MSG-11/the envelope': /and not for its body/,
    },
  },
  {
    name: 'core-drops-unknown-types',
    story: 'Accepts messages of a type without a handler.',
    patches: inCore(
      'delivery-run',
      "this.#otherwise = compiled.has('*') ? (compiled.get('*') ?? 'ignore') : undefined",
      "this.#otherwise = compiled.has('*') ? (compiled.get('*') ?? 'ignore') : 'ignore'",
    ),
    red: {
      'MSG-13/unknown types without a handler for them': /dead letters: not within/,
    },
  },
  {
    name: 'core-uses-the-first-handler',
    story: 'Gives every type to the first handler.',
    patches: inCore(
      'delivery-run',
      "return this.#handlers.has(type) ? (this.#handlers.get(type) ?? 'ignore') : this.#otherwise",
      "void type\n    return [...this.#handlers.values()][0] ?? 'ignore'",
    ),
    red: {
      'MSG-13': /actual - expected[\s\S]*\+   'placed: order\.cancelled'[\s\S]*-   'cancelled: order\.cancelled'/,
    },
  },
  {
    name: 'core-does-not-ask-the-body',
    story: 'Does not tell the type of a foreign message by its body.',
    patches: inCore(
      'message-decoder',
      'const type = channel.typeOf === undefined ? wire.type : channel.typeOf(value, applicationHeaders(wire.headers))',
      'const type = wire.type',
    ),
    red: {
      'MSG-13/told by the body':
        /actual - expected[\s\S]*\+   'any other: \{"kind":"cancelled"\}'[\s\S]*-   'cancelled: \{"kind":"cancelled"\}'/,
    },
  },
  {
    name: 'core-runs-keys-side-by-side',
    story: 'Does not wait for the message before of the same key.',
    patches: inCore(
      'intake',
      '      if (!this.#keys.push(task.wire.key, task)) return this.#options.onKeyWaits()',
      '      void this.#keys',
    ),
    red: {
      'ORD-04': /the runs of k[\d.]+: nothing passes a message that is retried/,
      'FLW-07/in order': /handlers of one key at one time/,
    },
  },
  {
    name: 'core-runs-one-key-at-a-time',
    story: 'Lets all keys wait for each other.',
    patches: inCore('intake', 'this.#keys.push(task.wire.key, task)', "this.#keys.push('all', task)").concat(
      inCore('intake', 'this.#keys.done(key)', "this.#keys.done('all')"),
    ),
    red: {
      'ORD-03': /billing: [\d.]+ messages handled: not within/,
    },
  },
  {
    name: 'core-frees-the-key-on-failure',
    story: 'Sends a failed keyed message round as a copy, and lets the next of its key go first.',
    patches: inCore(
      'retry-strategy',
      '  if (demand.keyed || demand.temporary) return hold(driver, demand)',
      '  if (demand.temporary) return hold(driver, demand)',
    ),
    red: {
      'ORD-04': /the runs of k[\d.]+: nothing passes a message that is retried/,
    },
  },
  {
    name: 'core-has-a-window-of-one-key',
    story: 'Takes no more keyed messages than may run.',
    patches: inCore('consumer-factory', 'const keyedWindow = 64', 'const keyedWindow = 1').concat(
      inCore('consumer-factory', 'channel.keyed ? Math.max(keyedWindow, running * 2) : running', 'running'),
    ),
    red: {
      'ORD-03': /billing: [\d.]+ messages handled: not within/,
    },
  },
  {
    name: 'core-ignores-concurrency',
    story: 'Runs all that was delivered at once, and asks for plenty.',
    patches: inCore(
      'intake',
      'while (this.#running < this.concurrency && this.#ready.length',
      'while (this.#ready.length',
    ).concat(inCore('intake', 'maxInFlight: () => options.window(this.concurrency)', 'maxInFlight: () => 10_000')),
    red: {
      'FLW-04/on the same connection': /!== 2$/m,
    },
  },
  {
    name: 'core-asks-for-more-than-it-runs',
    story: 'Prefetches thousands for a consumer that runs a few.',
    patches: inCore('intake', 'maxInFlight: () => options.window(this.concurrency)', 'maxInFlight: () => 10_000'),
    red: {
      'FLW-01': /the broker has [\d.]+ waiting and [\d.]+ unsettled: not within/,
      'FLW-01/the rest is free for others': /other: [\d.]+ runs: not within/,
      'FLW-01/in order': /at most [\d.]+ of [\d.]+ are unsettled: not within/,
      'FLW-04': /[\d.]+ were in flight at one time/,
    },
  },
  {
    name: 'core-runs-one-at-a-time',
    story: 'Ignores the concurrency asked for.',
    patches: inCore('intake', 'while (this.#running < this.concurrency &&', 'while (this.#running < 1 &&'),
    red: {
      'FLW-07': /billing: [\d.]+ runs: not within/,
    },
  },
]
