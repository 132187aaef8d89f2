import { describe, expect, test } from 'vitest'
import type { WireMessage } from '../src/driver/wire-message.ts'
import { PendingSend } from '../src/pending-send.ts'
import { ReadySends } from '../src/ready-sends.ts'

/** Sends of one of these keys each, in that order; `-` is none. */
function bench(keys: string, options: { maxBatch?: number; maxBatchBytes?: number; serial?: boolean } = {}) {
  const ready = new ReadySends({ maxBatch: 10, maxBatchBytes: Infinity, serial: true, ...options })
  const sends = [...keys].map((key, index) => {
    const message = { key: key === '-' ? undefined : key, headers: {} } as WireMessage
    const send = new PendingSend(
      message,
      undefined,
      0,
      () => {},
      () => {},
    )
    send.seq = index
    ready.add(send)
    return send
  })
  const seqsOf = (batch: readonly PendingSend[]) => batch.map(({ seq }) => seq)
  return { ready, sends, seqsOf, take: () => seqsOf(ready.take()) }
}

describe('sends that are ready', () => {
  test('go by count and by bytes, at least one', () => {
    const [{ bytes }] = bench('-').sends as [PendingSend]
    expect(bench('aaaaa', { maxBatch: 2, serial: false }).take()).toEqual([0, 1])
    expect(bench('aaaaa', { maxBatchBytes: 3 * bytes, serial: false }).take()).toEqual([0, 1, 2])
    expect(bench('aaaaa', { maxBatchBytes: 1, serial: false }).take()).toEqual([0])
  })

  test('go without those that nobody waits for any more', () => {
    const { ready, sends, take } = bench('---')
    sends[0]!.answered = true
    sends[2]!.answered = true
    expect(take()).toEqual([1])
    expect([take(), ready.length]).toEqual([[], 0])
  })

  test('of one key go one at a time, and others past them', () => {
    const { ready, seqsOf, take } = bench('aab-ab')
    const first = ready.take()
    expect(seqsOf(first)).toEqual([0, 2, 3])
    expect(take()).toEqual([])
    ready.release(first)
    expect(take()).toEqual([1, 5])
  })

  test('that were parked go before what came later, once the batch before them is answered', () => {
    const { ready, take } = bench('aaab', { maxBatch: 1 })
    const first = ready.take()
    expect(take()).toEqual([3])
    ready.release(first)
    expect(take()).toEqual([1])
  })

  test('that failed go again before those behind them', () => {
    for (const serial of [true, false]) {
      const { ready, seqsOf } = bench('aaaa', { maxBatch: 2, serial })
      const failed = ready.take()
      ready.release(failed)
      ready.putBack(failed)
      expect(seqsOf(ready.take())).toEqual(serial ? [0] : [0, 1])
    }
  })
})
