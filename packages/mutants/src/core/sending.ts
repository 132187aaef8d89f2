import { inCore, type CoreMutant } from './core-mutant.ts'

/** Cores that check, order or give up sends wrongly. */
export const sending: readonly CoreMutant[] = [
  {
    name: 'core-names-the-wrong-entries',
    story: 'Counts the failed entries of sendAll from 1.',
    patches: inCore('send-failures', 'failures.push({ index, error', 'failures.push({ index: index + 1, error'),
    red: {
      'SND-05': /the failed entries/,
    },
  },
  {
    name: 'core-ignores-the-batch-limits',
    story: 'Hands over all that waits as one batch.',
    patches: inCore(
      'ready-sends',
      'const { maxBatch, maxBatchBytes } = this.#options',
      'const [maxBatch, maxBatchBytes] = [Infinity, Infinity]',
    ),
    red: {
      'SND-06': /cannot send all to .+: [\d.]+ of [\d.]+ failed, the first \(index [\d.]+\) with: can/,
    },
  },
  {
    name: 'core-counts-bodies-only',
    story: 'Leaves headers out of the size of a batch.',
    patches: inCore(
      'pending-send',
      '(message.body?.byteLength ?? 0) + bytesOfHeaders(message.headers) + 256',
      'message.body?.byteLength ?? 0',
    ),
    red: {
      'SND-06/far below what the broker takes':
        /bytes of batches, headers included: [\d.]+,[\d.]+,[\d.]+,[\d.]+,[\d.]+,[\d.]+,[\d.]+/,
    },
  },
  {
    name: 'core-leaves-size-to-the-broker',
    story: 'Sends a body over the limit and waits for the answer.',
    patches: inCore('message-encoder', 'body.byteLength > limits.maxBodyBytes', 'body.byteLength > 1e12'),
    red: {
      'SND-07': /messages that reached the driver/,
    },
  },
  {
    name: 'core-does-not-check-headers',
    story: 'Sends any header name and value.',
    patches: inCore(
      'header-checks',
      `  if (names.length === 0) return noHeaders
`,
      `  if (names.length === 0) return noHeaders
  if (names.length > 0) return Object.assign(Object.create(null), headers) as Headers
`,
    ),
    red: {
      'MSG-05/control characters': /expected a rejection with invalidArgument, but it resolved with \{ id:/,
    },
  },
  {
    name: 'core-does-not-check-keys',
    story: 'Sends any key and any id.',
    patches: inCore(
      'header-checks',
      `  if (value === '') throw invalid(`,
      `  if (value.length >= 0) return
  if (value === '') throw invalid(`,
    ),
    red: {
      'SND-12': /expected a rejection with invalidArgument, but it resolved with \{ id:/,
    },
  },
  {
    name: 'core-ignores-abort-in-flight',
    story: 'Looks at the signal of a send at its start only.',
    patches: inCore('send-queue', '    if (signal !== undefined) this.#watch(send, signal)\n', ''),
    red: {
      'SND-08': /the rejection: not within/,
    },
  },
  {
    name: 'core-ignores-aborted-signals',
    story: 'Sends although the signal was aborted before.',
    patches: [
      ...inCore('channel-producer', 'if (signal?.aborted) return Promise.reject(abortedError(signal))', ''),
      ...inCore('waiting-sends', 'if (signal.aborted) return this.#giveUp(send, abortedError(signal))\n', ''),
    ],
    red: {
      'SND-08': /rejection with aborted: not within/,
    },
  },
  {
    name: 'core-rejects-sends-with-the-connection',
    story: 'Rejects what is in flight when the connection goes, instead of sending it again.',
    patches: inCore('send-queue', '    if (error.retryable) return true\n', ''),
    red: {
      'ORD-06/of sends that fail before later ones': /cannot send to .+: the connection to the memory broker is lost/,
    },
  },
  {
    name: 'core-ignores-send-deadlines',
    story: 'Lets sends wait for ever.',
    patches: inCore(
      'send-deadline',
      '      if (send.deadlineAt <= now) this.#onDue(send)',
      '      if (send.deadlineAt <= 0) this.#onDue(send)',
    ),
    red: {
      'SND-11': /the deadline of the sends: not within/,
    },
  },
  {
    name: 'core-resolves-at-the-deadline',
    story: 'Resolves a send that nobody confirmed in time.',
    patches: inCore('send-queue', 'this.giveUp(send, this.#tooLate()),\n    )', 'this.#confirmed(send),\n    )'),
    red: {
      'SND-02': /expected a rejection with unavailable,timeout,failedPrecondition,permissionDenied, but it/,
      'SND-09': /expected a rejection with timeout, but it resolved with \{ id:/,
    },
  },
  {
    name: 'core-resends-at-the-tail',
    story: 'Puts failed sends behind those submitted later.',
    patches: inCore(
      'ready-sends',
      '    waiting.sort((a, b) => a.seq - b.seq)',
      '    waiting.sort((a, b) => b.seq - a.seq)',
    ),
    red: {
      'ORD-06/of sends that fail before later ones': /the order of k[\d.]+ at the broker/,
    },
  },
  {
    name: 'core-has-no-send-window',
    story: 'Encodes and keeps all that is offered.',
    patches: inCore('send-queue', 'count: 2_048, bytes: 16 * 1024 * 1024', 'count: Infinity, bytes: Infinity'),
    red: {
      'SND-11': /[\d.]+ sends hold [\d.]+ MiB while the broker blocks, over [\d.]+/,
    },
  },
  {
    name: 'core-does-not-flush',
    story: 'Closes without waiting for what was accepted.',
    patches: inCore(
      'messaging-client',
      '      ...producers.map((producer) => producer.close()),\n      ...[...this.#connections.values()].map((connection) => connection.flushed()),\n',
      '',
    ),
    red: {
      'SND-14': /messaging is closed/,
    },
  },
  {
    name: 'core-gives-prepared-messages-new-ids',
    story: 'Sends a stored message under an id of its own each time.',
    patches: inCore(
      'prepared-message',
      `    id,
    source: attributes['source'],`,
      `    id: \`\${id}-\${Math.random()}\`,
    source: attributes['source'],`,
    ),
    red: {
      'SND-15': /strictly equal:[\s\S]*-0\.\d+'/,
    },
  },
  {
    name: 'core-fails-neighbours',
    story: 'Gives up all that waits when one message cannot be sent.',
    patches: inCore(
      'send-queue',
      '    this.giveUp(send, error)\n    return false',
      '    this.fail(error)\n    return false',
    ),
    red: {
      'SND-10/in one batch': /the rejected sends/,
    },
  },
  {
    name: 'core-sends-with-no-groups-are-fine',
    story: 'Takes unroutable for success on every channel.',
    patches: inCore(
      'channel-producer',
      'if (channel.groups.length === 0) reject = unlessUnheard',
      'reject = unlessUnheard',
    ),
    red: {
      'SND-03': /expected a rejection with unroutable, but it resolved with \{ id:/,
    },
  },
  {
    name: 'core-takes-any-name',
    story: 'Lets channels and groups have names that some brokers cannot.',
    patches: inCore('channel', 'namePattern.test(name) &&', '(name.length > 0 || namePattern.test(name)) &&'),
    red: {
      'TOP-12/refused': /expected a rejection with invalidArgument, but it resolved with \{ name: '\.', withGroups: \[/,
    },
  },
]
