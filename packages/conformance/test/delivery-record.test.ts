import { deepEqual, equal, rejects, throws } from 'node:assert/strict'
import type { HandlerContext } from '@waybill/core'
import { test } from 'vitest'
import { DeliveryRecord } from '../src/delivery-record.ts'

const { signal } = new AbortController()

function runsOf(record: DeliveryRecord<number>, member = '1', inner?: () => Promise<void>) {
  const handler = record.handler(inner, member)
  return (id: string, attempt = 1) =>
    handler(0, { channel: 'c', group: 'g', attempt, message: { id } } as unknown as HandlerContext<number>)
}

test('counts what was lost, duplicated and never expected', async () => {
  const record = new DeliveryRecord<number>('r', 100, signal)
  const run = runsOf(record)
  for (const id of ['a', 'b', 'b', 'x']) await run(id)
  deepEqual(record.tally(['a', 'b', 'c']), {
    expected: 3,
    ok: 2,
    lost: ['c'],
    duplicated: ['b'],
    unexpected: ['x'],
  })
  throws(() => record.expectOnce(['a', 'b']))
  throws(() => record.expectAll(['a', 'b', 'c', 'x']))
  equal(record.expectAll(['a', 'b', 'x']), 1)
})

test('a run that throws is recorded and is not done', async () => {
  const record = new DeliveryRecord<number>('r', 100, signal)
  const failing = runsOf(record, '1', () => Promise.reject(new Error('no')))
  await rejects(failing('a'), /no/)
  await runsOf(record)('a', 2)
  deepEqual(record.attemptsOf('a'), [1, 2])
  deepEqual(record.tally(['a']).duplicated, [])
  throws(() => record.expectOnce(['a']), 'a rerun is not once')
})

test('most at a time, over all and apart', async () => {
  const record = new DeliveryRecord<number>('r', 100, signal)
  let open = (): void => {}
  const opened = new Promise<void>((resolve) => {
    open = resolve
  })
  const running = ['1', '2'].flatMap((member) =>
    ['a', 'b'].map((id) => runsOf(record, member, () => opened)(member + id)),
  )
  equal(record.maxConcurrent(), 4)
  equal(
    record.maxConcurrent(({ member }) => member),
    2,
  )
  open()
  await Promise.all(running)
  await record.untilDone(['1a', '2b'])
  await rejects(record.untilDone(['c'], 30), /1 messages handled: not within 30 ms; last: 0 so far/)
})
