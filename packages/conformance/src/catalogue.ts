/**
 * Every behaviour of the kit, by its stable id. Docs, doc comments and reports cite these ids; none is ever reused.
 *
 * The order here is the order of reports and of the matrix.
 */
export const catalogue = {
  // sending
  'SND-01': 'resolves only after the broker confirmed (kill right after: message is there)',
  'SND-02': 'rejects on broker refusal, typed',
  'SND-03': 'no group bound and groups declared → `unroutable`',
  'SND-04': 'pipelined sends keep submission order per key',
  'SND-05': 'results of `sendAll` name exactly the failed entries',
  'SND-06': 'batch over the limit by count or by bytes is split',
  'SND-07': 'limit passes, limit+1 → `tooLarge` before I/O, connection survives',
  'SND-08': 'abort before, and in flight',
  'SND-09':
    'send during outage waits, then resolves after recovery, or rejects at its deadline; never resolves falsely',
  'SND-10': 'a bad send does not fail its neighbours',
  'SND-11': 'bounded memory while the broker blocks',
  'SND-12': 'one refused header or key → `invalidArgument` before I/O',
  'SND-13': 'sends inside a handler on the same connection do not deadlock',
  'SND-14': 'close flushes what was accepted',
  'SND-15':
    'a prepared message stored, and sent twice by another process, keeps id, bytes and headers; the second is a duplicate',
  // message fidelity
  'MSG-01': 'body bytes identical: empty, binary, invalid UTF-8, 1 byte, 64 KiB, near the limit',
  'MSG-02': 'id, time, type, source, key, content type round trip',
  'MSG-03': 'user headers: unicode, emoji, empty value, long value, case kept, many',
  'MSG-04': 'names like `__proto__`, `constructor`, `toString` are data, prototypes clean',
  'MSG-05': 'CR, LF, NUL, colon, backslash: exact or refused, never injected',
  'MSG-06': 'JSON that looks like an SNS or CloudEvents envelope stays data',
  'MSG-07': 'foreign message without our headers is accepted',
  'MSG-08': 'CloudEvents attributes under the binding of the transport: read by and written by an independent client',
  'MSG-09': 'traceparent and tracestate survive',
  'MSG-10': 'redelivery and dead letter keep every byte and header',
  'MSG-11': 'unreadable envelope or body → Invalid Message Channel at attempt 1',
  'MSG-12': 'property test: random headers and bodies, 1,000 cases',
  'MSG-13': "several types on one channel: each to its handler, unknown type to `'*'` or the Invalid Message Channel",
  'MSG-14': 'a tombstone (no body) stays one',
  'MSG-15': 'hostile sends: each delivered exactly, or refused before any I/O with a typed error; replayable by a seed',
  'MSG-16':
    'hostile messages of foreign clients: each delivered exactly, or dead-lettered with its bytes, in bounded time; replayable by a seed',
  // topology, groups
  'TOP-01': 'channels isolated',
  'TOP-02': 'each group gets every message once',
  'TOP-03': 'members of a group compete: union exact, no overlap at rest',
  'TOP-04': 'load spreads',
  'TOP-05': 'temporary group (broadcast) gets a copy per instance and leaves nothing behind',
  'TOP-06': 'declared group, consumer not started yet: nothing lost',
  'TOP-07': 'provision `create` is idempotent and safe when run ten times at once',
  'TOP-08': '`verify` with missing entity → `notFound`',
  'TOP-09': 'existing entity with other arguments → `failedPrecondition`, existing one untouched, no crash loop',
  'TOP-10': 'twenty channels on one connection',
  'TOP-11': 'two instances with different options are isolated',
  'TOP-12': 'channel and group names with every allowed character; others refused',
  'TOP-13': 'late group with replay (where declared)',
  'TOP-14': 'broadcast: `onGap` fires after a lost connection and never without one, `caughtUp` is true',
  'TOP-15': 'foreign topology: use an existing queue or topic by name without creating anything',
  // settlement
  'SET-01': 'accept removes (nothing returns for twice the lease)',
  'SET-02': 'retry redelivers the same message, attempt + 1',
  'SET-03': 'several retries of many messages',
  'SET-04': 'delay honoured, not early, not later than tolerance',
  'SET-05': 'delay at the declared maximum accepted, beyond refused at startup',
  'SET-06': 'retry reaches only the failing group',
  'SET-07': 'release counts no attempt, comes back at once, and never dead-letters without a failing run',
  'SET-08': 'crash without settling → redelivered',
  'SET-09': 'crash with prefetched messages does not dead-letter the innocent ones',
  'SET-10': 'handler longer than lease or keepalive: handled once, renewed',
  'SET-11': 'lease lost → signal aborts, late settlement harmless',
  'SET-12': 'out-of-order settling plus crash loses nothing (contiguous commit)',
  'SET-13': 'settlement failing at the broker is observable and leads to redelivery, not loss',
  'SET-14': 'retry without delay is bounded, no hot loop',
  'SET-15': 'settlement on a closed connection touches no other message',
  'SET-16': 'mixed outcomes settled in the same tick each reach their own message (1,000 pairs, both orders)',
  // retry and dead letter (through the core, on the real broker)
  'RTY-01': 'retry until success',
  'RTY-02': 'attempts exhausted → dead letter, exact count of handler runs',
  'RTY-03': 'non-retryable error → dead letter at attempt 1',
  'RTY-04': '`deadLetter()` and `retryLater()` thrown at any depth',
  'RTY-05': 'failure record complete, read by the probe',
  'RTY-06': 'oversized stack or message cut to budget with marker',
  'RTY-07': 'record replaced, not accumulated',
  'RTY-08': 'dead-letter send fails → original not settled, no hot loop',
  'RTY-09': 'attempts right across two instances and a restart',
  'RTY-10': 'backoff schedule exact under a manual clock',
  'RTY-11': 'native delivery limit as backstop for a process that dies on the message',
  'RTY-12': 'poison among good ones: good ones keep ≥ 95% of their rate',
  'RTY-13': 'shutdown during retries never dead-letters',
  'RTY-14': 'a message that waits for its retry under a policy that no consumer has any more still runs',
  // dead-letter handling
  'RDR-01': 'list and show without consuming',
  'RDR-02': 'redrive to the original group only',
  'RDR-03': 'redriven message byte-identical, failure record removed',
  'RDR-04': 'redriven message that fails again is dead-lettered again, with right attempts',
  'RDR-05': 'edit and redrive gets a new id and keeps a link to the old',
  'RDR-06': 'discard',
  'RDR-07': 'one bad redrive does not block others',
  'RDR-08': 'redrive of 10,000 resumable after a kill: none lost',
  'RDR-09': 'foreign dead letter without our record is shown and redrivable when told where',
  // idempotent receiver
  'IDM-01': 'completed duplicate is accepted without a run',
  'IDM-02': 'failed message is not taken for a duplicate',
  'IDM-03': 'concurrent duplicates → one run',
  'IDM-04': 'busy → later, never accept',
  'IDM-05': 'crash while claimed → runs after lease',
  'IDM-06': 'old holder cannot complete after takeover (fence)',
  'IDM-07': 'store down → fail closed, retried',
  'IDM-08': 'same key, other payload → dead letter as conflict',
  'IDM-09': 'retention shorter than redelivery horizon refused at startup',
  'IDM-10': 'per group scope',
  'IDM-11': 'redrive is not swallowed as duplicate',
  // order and keys
  'ORD-01': 'per key order with concurrency 16',
  'ORD-02': 'at most one in flight per key over all members while leases hold',
  'ORD-03': "other keys go on while one is blocked (within the window where `blockedKeyHolds: 'window'`)",
  'ORD-04': 'order kept through failures and retries',
  'ORD-05': 'order kept while members join, leave, are killed',
  'ORD-06': "order of one producer's sends across its own reconnect",
  'ORD-07': 'same key same shard after restart',
  'ORD-08': 'no key → spread',
  // batches
  'BAT-01': 'at most `maxSize`, flush at `maxWaitMs`',
  'BAT-02': 'per-entry outcome',
  'BAT-03': 'one bad entry alone is retried',
  'BAT-04': 'slow batch does not stall others',
  'BAT-05': 'batch of one key in order',
  'BAT-06': 'drain flushes partial batches',
  // flow control
  'FLW-01': 'in flight ≤ `concurrency`, proven at the broker',
  'FLW-02': '5,000 messages, 50 consumers',
  'FLW-03': '10,000 messages, 100 concurrent senders',
  'FLW-04': 'slow consumer: memory and in-flight bytes bounded, other consumers keep their rate',
  'FLW-05': 'one slow message does not stop the intake of others',
  'FLW-06': 'pause and resume',
  'FLW-07': 'concurrency changed while running',
  // lifecycle
  'LIF-01': 'use after close → `closed`',
  'LIF-02': 'close idempotent, also concurrently',
  'LIF-03': 'close while handler runs, while idle, while broker is down: returns by deadline',
  'LIF-04': 'drain finishes in-flight, releases the rest',
  'LIF-05': 'past the deadline signals abort, nothing dead-lettered',
  'LIF-06': 'no handle, timer, socket or listener left (checked)',
  'LIF-07': 'open and close ten times concurrently',
  'LIF-08': 'one consumer closing leaves others',
  'LIF-09': 'abort at connect',
  'LIF-10': 'first connect waits for a late broker when told so',
  'LIF-11': 'handler call never starts after close resolved',
  'LIF-12': 'SIGTERM under load, exit within deadline, nothing lost',
  // faults
  'FLT-01': 'broker restart twice under load: nothing lost, duplicates counted',
  'FLT-02': '`kill -9` of the broker under load',
  'FLT-03': '200 connection resets under load',
  'FLT-04': 'blackhole 30 s: noticed within two heartbeats',
  'FLT-05': 'half-open',
  'FLT-06': 'slow link, one-byte writes',
  'FLT-07': 'topology deleted while connected → rebuilt or typed error, no spin',
  'FLT-08': 'credentials revoked → terminal typed error, no spin',
  'FLT-09': 'consumer process SIGKILLed at every crash point, effects exactly one with a transactional inbox',
  'FLT-10': 'rebalance with joins, leaves, kills under load',
  'FLT-11': 'subscribe during outage is not lost',
  'FLT-12': 'broker memory alarm or block',
  'FLT-13': 'connection closed by an operator',
  'FLT-14': 'reset in mid-settle',
  'FLT-15': 'reset in mid-send',
  // errors, secrets
  'ERR-01':
    'the code of each kind of failure: where to connect, what may be done, what is there, what is asked, and when',
  'ERR-02': 'wrapped once, cause kept',
  'ERR-03': 'planted secrets appear in no error, log, inspect, span, dead letter',
  'ERR-04': 'self-signed, expired, wrong-host certificate refused by default, and plain text where TLS was asked for',
  'ERR-05': 'handler exception of any kind (null, string, frozen, circular) is survived',
  'ERR-06': 'unhandled rejections: none',
  'ERR-07':
    'what is no broker (sizes of 4 GiB, garbage, messages without end) is hung up on with a typed error, memory bounded',
  // honesty
  'CAP-01': 'each undeclared capability refused at startup with `unsupported` and a hint',
  'CAP-02': 'each number true at the limit and refused one past it',
  'CAP-03': 'config swap: the same program passes SND, MSG, TOP, SET, RTY on every adapter by URL alone',
  // telemetry
  'OBS-01':
    'spans send, receive, process, settle as the OpenTelemetry messaging conventions say; links across the broker',
  'OBS-02': 'metrics: operation duration, sent, consumed, process duration',
  'OBS-03': 'redelivery and dead letter visible',
  'OBS-04': 'no exporter, no cost',
  'OBS-05': 'health reflects broker state within a heartbeat',
  // schedule, expiry, request-reply
  'SCH-01': 'scheduled send not early, not late, survives restart',
  'SCH-02': 'scheduled to the past → now',
  'SCH-03': 'beyond maximum → typed error',
  'SCH-04': 'expired message not handled, unexpired handled, expiry not applied to its dead letter',
  'SCH-05':
    'request-reply: correlated under concurrency, typed timeout, late reply dropped and counted, requesters do not cross',
} as const satisfies { readonly [id: string]: string }

export type BehaviourId = keyof typeof catalogue

export const behaviourIds = Object.keys(catalogue) as readonly BehaviourId[]

/** The ids of the catalogue for which there is no case among `written`. */
export function missingIds(written: Iterable<{ readonly id: BehaviourId }>): readonly BehaviourId[] {
  const present = new Set(Array.from(written, ({ id }) => id))
  return behaviourIds.filter((id) => !present.has(id))
}
