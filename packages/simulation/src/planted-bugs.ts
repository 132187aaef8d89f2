import type { ProfileName } from './profile-name.ts'
import type { SourcePatch } from './source-patch.ts'

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
    file: 'orphan-runs.ts',
    search: "\\n${headers[coreHeader.copy] ?? ''}`",
    replace: '`',
  },
  {
    name: 'lets a key go on behind a message given back while closing',
    file: 'intake.ts',
    search: "if (this.#stopping && kind === 'release') return",
    replace: 'if (false) return',
  },
  {
    name: 'leaves a key asleep when the lease of the one before is lost',
    file: 'intake.ts',
    search: '      // What waited behind one of these for its key may be next.\n      this.#pump()\n',
    replace: '',
  },
  {
    name: 'subscribes to a lease again whenever another partition had its turn',
    file: 'intake.ts',
    search: '    if (this.#watched.has(lease)) return\n',
    replace: '',
  },
  {
    name: 'waits in circles for sends that were told that it is too late',
    file: 'channel-producer.ts',
    search: 'await (this.#queue.pending > 0 ? this.#queue.settled() : this.#pause())',
    replace: 'await this.#queue.settled()',
  },
  {
    name: 'starts a handler after close, when its claim took its time',
    file: 'delivery-run.ts',
    search: "if (task.state === 'settled') return Promise.reject(closedError('the consumer'))",
    replace: '',
  },
  {
    name: 'hands out later sends of a key while earlier ones are still being refused',
    file: 'send-queue.ts',
    search: '    if (this.#keyed && !this.#serial) this.#awaitsAnswers = this.#batches > 0\n',
    replace: '',
  },
  {
    name: "takes a handler's own messaging error for a message that cannot be read",
    file: 'delivery-run.ts',
    search: 'if (hasRun || !MessagingError.is(error)) return',
    replace: 'if (timer !== undefined || !MessagingError.is(error)) return',
  },
  {
    name: 'lets the time of a handler run on while the store answers',
    file: 'delivery-run.ts',
    search: '      if (timer !== undefined) running.then(stopTimer, stopTimer)\n',
    replace: '',
  },
  {
    name: 'accepts before the handler ends',
    file: 'delivery-run.ts',
    search: '    running.then(\n      () => this.#succeeded(',
    replace: '    this.#options.intake().finish(task, accept)\n    running.then(\n      () => this.#succeeded(',
  },
  {
    name: 'accepts the original before its copy is confirmed',
    file: 'recovery.ts',
    search: '        await connection.sendOwn(to, message, delayMs)',
    replace: '        void connection.sendOwn(to, message, delayMs).catch(() => {})',
  },
  {
    name: 'accepts the original although its copy was not sent',
    file: 'recovery.ts',
    search: '        this.#fault(task, wrapped)',
    replace: "        return intake.finish(task, { kind: 'accept' })",
  },
  {
    name: 'forgets the delay of a retry copy',
    file: 'recovery.ts',
    search: 'void this.#handOver(task, this.#address(), nextCopy(copy), hopMs)',
    replace: 'void this.#handOver(task, this.#address(), nextCopy(copy), undefined)',
  },
  {
    name: 'sends a retry to its lane without saying when it is due',
    file: 'recovery.ts',
    search: '[coreHeader.due]: dueAtMs === undefined ? undefined : String(Math.ceil(dueAtMs)),',
    replace: '[coreHeader.due]: undefined,',
  },
  {
    name: 'does not count an attempt',
    file: 'recovery.ts',
    search: '[coreHeader.attempt]: String(attempts),',
    replace: '[coreHeader.attempt]: String(attempts - 1),',
  },
  {
    name: 'counts an attempt when it only postpones',
    file: 'recovery.ts',
    search: 'this.#retry(task, delayMs, task.attempt - 1)',
    replace: 'this.#retry(task, delayMs, task.attempt)',
  },
  {
    name: 'does not count the runs of a message that it holds',
    file: 'recovery.ts',
    search: '      task.heldRuns += attempts - (task.attempt - 1)\n',
    replace: '',
  },
  {
    name: 'retries a held message at once',
    file: 'recovery.ts',
    search: 'return intake.hold(task, delayMs)',
    replace: 'return intake.hold(task, 0)',
  },
  {
    name: 'dead-letters without a failure record',
    file: 'recovery.ts',
    search: 'const headers = withHeaders(letter.headers, record)',
    replace: 'const headers = letter.headers',
  },
  {
    name: 'leaves the counters on a dead letter',
    file: 'recovery.ts',
    search: 'withoutFailure(withoutCounters(task.wire.headers))',
    replace: 'withoutFailure(task.wire.headers)',
  },
  {
    name: 'accepts what should be a dead letter',
    file: 'recovery.ts',
    search: "void this.#handOver(task, this.#address('dead'), { ...letter, headers }, undefined, told)",
    replace: "void headers, this.#options.intake().finish(task, { kind: 'accept' })",
  },
  {
    name: 'dead-letters one attempt early',
    file: 'failure-decision.ts',
    search: 'if (attempt >= policy.maxAttempts)',
    replace: 'if (attempt >= policy.maxAttempts - 1)',
  },
  {
    name: 'dead-letters while it closes',
    file: 'recovery.ts',
    search: "if (intake.isStopping && decision.kind === 'deadLetter') return",
    replace: 'if (false) return',
  },
  {
    name: 'takes the wrong delay of the policy',
    file: 'retry-policy.ts',
    search: 'delaysMs[Math.min(attempt, delaysMs.length) - 1] ?? 0',
    replace: 'delaysMs[Math.min(attempt, delaysMs.length) - 2] ?? 0',
  },
  {
    name: 'forgets whose turn it is after a key was passed on',
    file: 'driver/keyed-serial-queue.ts',
    search: '    if (line === null || next === undefined) {',
    replace:
      '    if (line === null || next === undefined || next.next === undefined) {\n      if (next !== undefined) this.#waiting--',
  },
  {
    name: 'runs messages of one key side by side',
    file: 'intake.ts',
    search: 'if (!this.#keys.push(task.wire.key, task)) return this.#options.onKeyWaits()',
    replace: 'this.#keys.push(task.wire.key, task)',
  },
  {
    name: 'frees the key of a handler that still runs when its lease is lost',
    file: 'intake.ts',
    search:
      "    if (task.state !== 'running') return this.#close(task, { kind: 'release' })\n    this.#options.orphans.add(task)",
    replace:
      "    if (task.state !== 'running' || task.holdsKey) return this.#close(task, { kind: 'release' })\n    this.#options.orphans.add(task)",
  },
  {
    name: 'does not tell a handler that its lease is lost',
    file: 'intake.ts',
    search: "    task.abort('leaseLost',",
    replace: "    if (task.attempt < 0) task.abort('leaseLost',",
  },
  {
    name: 'does not wait for handlers when it drains',
    file: 'intake.ts',
    search: 'withDeadline(Promise.all([this.idle(), withdrawn]), drainMs - graceMs, clock, late)',
    replace: 'withDeadline(Promise.resolve(), drainMs - graceMs, clock, late)',
  },
  {
    name: 'does not listen again after a lost connection',
    file: 'listeners.ts',
    search: 'if (this.#options.isWanted()) void this.#listen(connection, ++this.#generation)',
    replace: 'if (this.#options.isWanted() && this.#generation < 2) void this.#listen(connection, ++this.#generation)',
  },
  {
    name: 'runs more at a time than it may',
    file: 'intake.ts',
    search: 'while (this.#running < this.concurrency && ',
    replace: 'while (this.#running <= this.concurrency && ',
  },
  {
    name: 'resolves a send before the broker confirmed it',
    file: 'send-queue.ts',
    search: '    this.#link.connection!.send(this.address, batch, (index, failure) => {',
    replace:
      '    for (const send of batch) this.#confirmed(send)\n    this.#link.connection!.send(this.address, batch, (index, failure) => {',
  },
  {
    name: 'resolves a send that failed',
    file: 'send-queue.ts',
    search: 'if (failure === undefined) this.#confirmed(send)',
    replace: "if (failure === undefined || failure.outcome === 'unknown') this.#confirmed(send)",
  },
  {
    name: 'puts failed sends behind what came later',
    file: 'send-queue.ts',
    search: '    waiting.sort((a, b) => a.seq - b.seq)\n',
    replace: '    waiting.sort((a, b) => b.seq - a.seq)\n',
  },
  {
    name: 'sends two messages of a key at a time where only one keeps the order',
    file: 'send-queue.ts',
    search: "this.#serial = options.keyed && options.driver.capabilities.send.keyed === 'serial'",
    replace: 'this.#serial = false',
  },
  {
    name: 'goes on sending while the broker blocks',
    file: 'send-queue.ts',
    search: '#batches < maxBatchesInFlight && ',
    replace: '#batches <= maxBatchesInFlight && ',
  },
  {
    name: 'does not release a claim after a failed run',
    file: 'idempotent-receiver.ts',
    search: '      await this.#release(holder)\n      throw error',
    replace: '      throw error',
  },
  {
    name: 'does not complete a claim',
    file: 'idempotent-receiver.ts',
    search: 'if (await this.#options.store.complete(holder)) return done',
    replace: 'return done',
  },
  {
    name: 'runs the handler although the store does not answer',
    file: 'idempotent-receiver.ts',
    search: "      return { kind: 'later', delayMs: undefined }\n    }\n    switch",
    replace: '      await work()\n      return done\n    }\n    switch',
  },
  {
    name: 'accepts a message that somebody else is still at',
    file: 'idempotent-receiver.ts',
    search: "return { kind: 'later', delayMs: Math.ceil(Math.min(Math.max(claim.retryAfterMs, 1), longestWaitMs)) }",
    replace: 'return done',
  },
  {
    name: 'takes the claim of a holder whose lease still runs',
    file: 'memory-idempotency-store.ts',
    search: 'if (entry === undefined || entry.endsAt <= now)',
    replace: 'if (entry === undefined || !entry.isCompleted || entry.endsAt <= now)',
  },
  {
    name: 'commits past a message that is still open',
    file: 'driver/contiguous-prefix-acker.ts',
    search: '    if (slot === this.#first) this.#advance(slot)\n',
    replace: '    this.#onPrefix(slot.position)\n',
  },
  {
    name: 'does not renew the lease of a running handler',
    file: 'driver/lease-renewer.ts',
    search: '    if (due.length > 0) void this.#renew(due)\n',
    replace: '',
  },
  {
    name: 'leaves a timer behind after close',
    file: 'connection.ts',
    search: '    this.timers.clear()\n',
    replace: '',
  },
]
