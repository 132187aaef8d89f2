import { inCore, type CoreMutant } from './core-mutant.ts'

/** Cores that make, hand over or end batches wrongly. */
export const batching: readonly CoreMutant[] = [
  {
    name: 'core-fills-batches-too-full',
    story: 'Hands over all that is there, whatever maxSize says.',
    patches: inCore('batch-run', 'this.#entries.splice(0, maxSize)', 'this.#entries.splice(0)'),
    red: {
      'BAT-01/gathered behind batches that are not full': /sizes of batches: [\d.]+,[\d.]+,[\d.]+/,
    },
  },
  {
    name: 'core-waits-for-full-batches',
    story: 'Forgets maxWaitMs.',
    patches: inCore(
      'batch-run',
      '    this.#timer ??= connection.timers.after(maxWaitMs, () => this.flush())\n',
      '    void connection\n    void maxWaitMs\n',
    ),
    red: {
      'BAT-04': /a slow batch: not within/,
    },
  },
  {
    name: 'core-hands-batches-over-at-once',
    story: 'Does not wait for a batch to fill.',
    patches: inCore(
      'batch-run',
      '    else if (this.#entries.length >= maxSize) this.#handOver()',
      '    else this.flush()\n    void maxSize',
    ),
    red: {
      'BAT-01': /full batches/,
    },
  },
  {
    name: 'core-fails-whole-batches',
    story: 'Retries all of a batch for one entry that was marked.',
    patches: inCore(
      'batch-run',
      '      if (failures.has(task)) this.#options.recovery.failed(task, failures.get(task))',
      '      if (failures.size > 0) this.#options.recovery.failed(task, [...failures.values()][0])',
    ),
    red: {
      'BAT-02': /the attempts of each/,
      'BAT-05': /the runs of k[\d.]+/,
    },
  },
  {
    name: 'core-accepts-failed-batches',
    story: 'Ignores what the handler said of single entries.',
    patches: inCore(
      'batch-run',
      '      if (failures.has(task)) this.#options.recovery.failed(task, failures.get(task))\n      else this.#accept(task)',
      '      this.#accept(task)\n      void failures',
    ),
    red: {
      'BAT-02': /[\d.]+ dead letters of billing: not within/,
    },
  },
  {
    name: 'core-retries-batches-as-a-whole',
    story: 'Counts an attempt for each entry of a batch whose handler threw.',
    patches: inCore(
      'batch-run',
      '    if (entries.length === 1) return\n',
      '    if (entries.length >= 1) return entries.forEach(({ task }) => this.#options.recovery.failed(task, new Error("batch failed")))\n',
    ),
    red: {
      'BAT-03': /the bad one alone is given up/,
    },
  },
  {
    name: 'core-runs-one-batch-at-a-time',
    story: 'Lets a slow batch hold up the next.',
    patches: inCore('batch-run', 'this.#running < intake().concurrency / maxSize', 'this.#running < 1'),
    red: {
      'BAT-04': /[\d.]+ messages in batches: not within/,
    },
  },
  {
    name: 'core-runs-all-batches-at-once',
    story: 'Ignores the concurrency of batches.',
    patches: inCore('batch-run', 'this.#running < intake().concurrency / maxSize', 'this.#running < 1_000').concat(
      inCore('intake', 'maxInFlight: () => options.window(this.concurrency)', 'maxInFlight: () => 10_000'),
      inCore('intake', 'while (this.#running < this.concurrency &&', 'while ('),
    ),
    red: {
      'BAT-04/at most `concurrency` batches at a time':
        /no third batch beside the two that run: something changed within [\d.]+ ms/,
      'BAT-01/in flight': /three batches: not within/,
    },
  },
  {
    name: 'core-drops-partial-batches',
    story: 'Accepts what was still collected when it closes.',
    patches: inCore(
      'batch-run',
      '  flush(): void {\n    this.#isDue = true',
      '  flush(): void {\n    if (this.#options.intake().isStopping) for (const { task } of this.#entries.splice(0)) this.#accept(task)\n    this.#isDue = true',
    ),
    red: {
      'BAT-05/of a single key': /one at a time, in the order sent/,
      'BAT-06/behind batches that run': /the partial batch runs: not within/,
    },
  },
  {
    name: 'core-gives-partial-batches-back',
    story: 'Releases what was still collected when it closes.',
    patches: inCore(
      'batch-run',
      '  flush(): void {\n    this.#isDue = true',
      '  flush(): void {\n    if (this.#options.intake().isStopping) return this.giveBack()\n    this.#isDue = true',
    ),
    red: {
      'BAT-05/of a single key': /one at a time, in the order sent/,
    },
  },
  {
    name: 'core-reverses-batches',
    story: 'Hands the entries of a batch over last first.',
    patches: inCore(
      'batch-run',
      '    const messages = entries.map(({ message }) => message)',
      '    const messages = entries.map(({ message }) => message).reverse()',
    ),
    red: {
      'BAT-06': /what was collected is handled at the end/,
    },
  },
]
