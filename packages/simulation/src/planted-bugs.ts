import type { SourcePatch } from '@waybill/source-patch'
import type { ProfileName } from './profile-name.ts'

/** A mistake that one could make in the core, as a change of its text. */
export interface PlantedBug extends SourcePatch {
  /** What it does, in a few words. */
  readonly name: string
  /** The kind of broker on which it shows; default: all in turn. */
  readonly profile?: ProfileName
}

/** Each must be found; the first ones were made, and found by a seed. */
export const plantedBugs: readonly PlantedBug[] = [
  {
    name: 'takes a retry copy for the redelivery of its original',
    file: 'packages/core/src/orphan-runs.ts',
    find: "\\n${headers[coreHeader.copy] ?? ''}`",
    replace: '`',
  },
  {
    name: 'lets a key go on behind a message given back while closing',
    file: 'packages/core/src/intake.ts',
    find: "const goesBack = this.#stopping && kind === 'release'",
    replace: 'const goesBack = false',
  },
  {
    name: 'leaves a key asleep when the lease of the one before is lost',
    file: 'packages/core/src/intake.ts',
    find: '      // What waited behind one of these for its key may be next.\n      this.#pump()\n',
    replace: '',
  },
  {
    name: 'subscribes to a lease again whenever another partition had its turn',
    file: 'packages/core/src/intake.ts',
    find: '    if (this.#watched.has(lease)) return\n',
    replace: '',
  },
  {
    name: 'waits in circles for sends that were told that it is too late',
    file: 'packages/core/src/channel-producer.ts',
    find: 'await (this.#queue.pending > 0 ? this.#queue.settled() : this.#pause())',
    replace: 'await this.#queue.settled()',
  },
  {
    name: 'starts a handler after close, when its claim took its time',
    file: 'packages/core/src/delivery-run.ts',
    find: "if (task.state === 'settled') return Promise.reject(closedError('the consumer'))",
    replace: '',
  },
  {
    name: 'hands out later sends of a key while earlier ones are still being refused',
    file: 'packages/core/src/send-queue.ts',
    find: '      else if (hasFailure && this.#keyed && !this.#serial) this.#awaitsAnswers = true\n',
    replace: '',
  },
  {
    name: "takes a handler's own messaging error for a message that cannot be read",
    file: 'packages/core/src/delivery-run.ts',
    find: 'if (hasRun || !MessagingError.is(error)) return',
    replace: 'if (timer !== undefined || !MessagingError.is(error)) return',
  },
  {
    name: 'lets the time of a handler run on while the store answers',
    file: 'packages/core/src/delivery-run.ts',
    find: '      if (timer !== undefined) running.then(stopTimer, stopTimer)\n',
    replace: '',
  },
  {
    name: 'accepts before the handler ends',
    file: 'packages/core/src/delivery-run.ts',
    find: '    running.then(\n      () => this.#succeeded(',
    replace: '    this.#options.intake().finish(task, accept)\n    running.then(\n      () => this.#succeeded(',
  },
  {
    name: 'accepts the original before its copy is confirmed',
    file: 'packages/core/src/recovery.ts',
    find: '        await connection.sendOwn(to, message, delayMs)',
    replace: '        void connection.sendOwn(to, message, delayMs).catch(() => {})',
  },
  {
    name: 'accepts the original although its copy was not sent',
    file: 'packages/core/src/recovery.ts',
    find: '        this.#fault(task, wrapped)',
    replace: "        return intake.finish(task, { kind: 'accept' })",
  },
  {
    name: 'forgets the delay of a retry copy',
    file: 'packages/core/src/recovery.ts',
    find: 'void this.#handOver(task, this.#address(), nextCopy(copy), hopMs)',
    replace: 'void this.#handOver(task, this.#address(), nextCopy(copy), undefined)',
  },
  {
    name: 'sends a retry to its lane without saying when it is due',
    file: 'packages/core/src/recovery.ts',
    find: '[coreHeader.due]: dueAtMs === undefined ? undefined : String(Math.ceil(dueAtMs)),',
    replace: '[coreHeader.due]: undefined,',
  },
  {
    name: 'does not count an attempt',
    file: 'packages/core/src/recovery.ts',
    find: '[coreHeader.attempt]: String(attempts),',
    replace: '[coreHeader.attempt]: String(attempts - 1),',
  },
  {
    name: 'counts an attempt when it only postpones',
    file: 'packages/core/src/recovery.ts',
    find: 'this.#retry(task, delayMs, task.attempt - 1)',
    replace: 'this.#retry(task, delayMs, task.attempt)',
  },
  {
    name: 'does not count the runs of a message that it holds',
    file: 'packages/core/src/recovery.ts',
    find: '      task.heldRuns += attempts - (task.attempt - 1)\n',
    replace: '',
  },
  {
    name: 'retries a held message at once',
    file: 'packages/core/src/recovery.ts',
    find: 'return intake.hold(task, delayMs)',
    replace: 'return intake.hold(task, 0)',
  },
  {
    name: 'dead-letters without a failure record',
    file: 'packages/core/src/recovery.ts',
    find: 'const headers = withHeaders(letter.headers, record)',
    replace: 'const headers = letter.headers',
  },
  {
    name: 'leaves the counters on a dead letter',
    file: 'packages/core/src/recovery.ts',
    find: 'withoutFailure(withoutCounters(task.wire.headers))',
    replace: 'withoutFailure(task.wire.headers)',
  },
  {
    name: 'accepts what should be a dead letter',
    file: 'packages/core/src/recovery.ts',
    find: "void this.#handOver(task, this.#address('dead'), { ...letter, headers }, undefined, told)",
    replace: "void headers, this.#options.intake().finish(task, { kind: 'accept' })",
  },
  {
    name: 'dead-letters one attempt early',
    file: 'packages/core/src/failure-decision.ts',
    find: 'if (attempt >= policy.maxAttempts)',
    replace: 'if (attempt >= policy.maxAttempts - 1)',
  },
  {
    name: 'dead-letters while it closes',
    file: 'packages/core/src/recovery.ts',
    find: "if (intake.isStopping && decision.kind === 'deadLetter') return",
    replace: 'if (false) return',
  },
  {
    name: 'takes the wrong delay of the policy',
    file: 'packages/core/src/retry-policy.ts',
    find: 'delaysMs[Math.min(attempt, delaysMs.length) - 1] ?? 0',
    replace: 'delaysMs[Math.min(attempt, delaysMs.length) - 2] ?? 0',
  },
  {
    name: 'forgets whose turn it is after a key was passed on',
    file: 'packages/core/src/driver/keyed-serial-queue.ts',
    find: '    if (line === null || next === undefined) {',
    replace:
      '    if (line === null || next === undefined || next.next === undefined) {\n      if (next !== undefined) this.#waiting--',
  },
  {
    name: 'runs messages of one key side by side',
    file: 'packages/core/src/intake.ts',
    find: 'if (!this.#keys.push(task.wire.key, task)) return this.#options.onKeyWaits()',
    replace: 'this.#keys.push(task.wire.key, task)',
  },
  {
    name: 'frees the key of a handler that still runs when its lease is lost',
    file: 'packages/core/src/intake.ts',
    find: "    if (task.state !== 'running') return this.#close(task, { kind: 'release' })\n    this.#options.orphans.add(task)",
    replace:
      "    if (task.state !== 'running' || task.holdsKey) return this.#close(task, { kind: 'release' })\n    this.#options.orphans.add(task)",
  },
  {
    name: 'does not tell a handler that its lease is lost',
    file: 'packages/core/src/intake.ts',
    find: "    task.abort('leaseLost',",
    replace: "    if (task.attempt < 0) task.abort('leaseLost',",
  },
  {
    name: 'does not wait for handlers when it drains',
    file: 'packages/core/src/intake.ts',
    find: 'withDeadline(Promise.all([this.idle(), withdrawn]), drainMs - graceMs, clock, late)',
    replace: 'withDeadline(Promise.resolve(), drainMs - graceMs, clock, late)',
  },
  {
    name: 'does not listen again after a lost connection',
    file: 'packages/core/src/listeners.ts',
    find: 'if (this.#options.isWanted()) void this.#listen(connection, ++this.#generation)',
    replace: 'if (this.#options.isWanted() && this.#generation < 2) void this.#listen(connection, ++this.#generation)',
  },
  {
    name: 'runs more at a time than it may',
    file: 'packages/core/src/intake.ts',
    find: 'while (this.#running < this.concurrency && ',
    replace: 'while (this.#running <= this.concurrency && ',
  },
  {
    name: 'resolves a send before the broker confirmed it',
    file: 'packages/core/src/send-queue.ts',
    find: '    this.#link.connection!.send(this.address, batch, (index, failure) => {',
    replace:
      '    for (const send of batch) this.#confirmed(send)\n    this.#link.connection!.send(this.address, batch, (index, failure) => {',
  },
  {
    name: 'resolves a send that failed',
    file: 'packages/core/src/send-queue.ts',
    find: 'if (failure === undefined) this.#confirmed(send)',
    replace: "if (failure === undefined || failure.outcome === 'unknown') this.#confirmed(send)",
  },
  {
    name: 'puts failed sends behind what came later',
    file: 'packages/core/src/ready-sends.ts',
    find: '    waiting.sort((a, b) => a.seq - b.seq)\n',
    replace: '    waiting.sort((a, b) => b.seq - a.seq)\n',
  },
  {
    name: 'sends two messages of a key at a time where only one keeps the order',
    file: 'packages/core/src/send-queue.ts',
    find: "this.#serial = options.keyed && options.driver.capabilities.send.keyed === 'serial'",
    replace: 'this.#serial = false',
  },
  {
    name: 'goes on sending while the broker blocks',
    file: 'packages/core/src/send-queue.ts',
    find: '#batches < maxBatchesInFlight && ',
    replace: '#batches <= maxBatchesInFlight && ',
  },
  {
    name: 'does not complete a claim',
    file: 'packages/core/src/idempotent-receiver.ts',
    find: 'if (await this.#options.store.complete(holder)) return done',
    replace: 'return done',
  },
  {
    name: 'runs the handler although the store does not answer',
    file: 'packages/core/src/idempotent-receiver.ts',
    find: "      return { kind: 'later', delayMs: undefined }\n    }\n    switch",
    replace: '      await work()\n      return done\n    }\n    switch',
  },
  {
    name: 'accepts a message that somebody else is still at',
    file: 'packages/core/src/idempotent-receiver.ts',
    find: "return { kind: 'later', delayMs: Math.ceil(Math.min(Math.max(claim.retryAfterMs, 1), longestWaitMs)) }",
    replace: 'return done',
  },
  {
    name: 'takes the claim of a holder whose lease still runs',
    file: 'packages/core/src/memory-idempotency-store.ts',
    find: 'if (entry === undefined || entry.endsAt <= now)',
    replace: 'if (entry === undefined || !entry.isCompleted || entry.endsAt <= now)',
  },
  {
    name: 'commits past a message that is still open',
    file: 'packages/core/src/driver/contiguous-prefix-acker.ts',
    find: '    if (slot === this.#first) this.#advance(slot)\n',
    replace: '    this.#onPrefix(slot.position)\n',
  },
  {
    name: 'does not renew the lease of a running handler',
    file: 'packages/core/src/driver/lease-renewer.ts',
    find: '    if (due.length > 0) void this.#renew(due)\n',
    replace: '',
  },
  {
    name: 'leaves a timer behind after close',
    file: 'packages/core/src/connection.ts',
    find: '    this.timers.clear()\n',
    replace: '',
  },
  {
    name: 'forgets what waits to be sent when the connection is back, until somebody sends again',
    file: 'packages/core/src/send-queue.ts',
    find: '    this.#backoff = undefined\n    this.#pump()\n  }\n\n  /** The broker will not have us',
    replace: '    this.#backoff = undefined\n  }\n\n  /** The broker will not have us',
  },
]
