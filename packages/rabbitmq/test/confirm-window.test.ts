import type { SendFailure } from '@waybill/core/driver'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ConfirmWindow } from '../src/rabbitmq-confirm-window.ts'
import { wireMessage } from '@waybill/conformance/bench'

const failure: SendFailure = { error: new Error('refused'), outcome: 'unknown' }

/** A window with so many publishes of the ids given, and what was answered, by tag. */
function windowOf(ids: readonly string[], routingKey = 'q') {
  const window = new ConfirmWindow()
  const answers = new Map<number, SendFailure | undefined>()
  const entries = ids.map((id) => ({ message: wireMessage({ id }) }))
  const done = (index: number, answer?: SendFailure) => {
    if (answers.has(index + 1)) throw new Error(`tag ${index + 1} was answered twice`)
    answers.set(index + 1, answer)
  }
  const batch = { entries, done }
  ids.forEach((_, index) => void window.push(batch, index, routingKey))
  return { window, answers }
}

const numbered = (count: number) => Array.from({ length: count }, (_, index) => `id-${index + 1}`)

describe('confirms', () => {
  it('answer each publish once, in whatever order and grouping they come', () => {
    const confirms = fc.array(fc.record({ tag: fc.integer({ min: 1, max: 700 }), multiple: fc.boolean() }), {
      maxLength: 60,
    })
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 700 }), confirms, (count, order) => {
        const { window, answers } = windowOf(numbered(count))
        const expected = new Set<number>()
        for (const { tag, multiple } of order) {
          window.confirm(tag, multiple)
          for (let each = multiple ? 1 : tag; each <= Math.min(tag, count); each++) expected.add(each)
        }
        expect([...answers.keys()].sort((a, b) => a - b)).toEqual([...expected].sort((a, b) => a - b))
        window.failAll(() => failure)
        expect(answers.size).toBe(count)
        for (const [tag, answer] of answers) expect(answer).toBe(expected.has(tag) ? undefined : failure)
      }),
    )
  })

  it('may be answered by publishing more', () => {
    const window = new ConfirmWindow()
    let published = 0
    const batch = {
      entries: [{ message: wireMessage() }],
      done: () => {
        for (let more = 0; more < 3 && published < 5_000; more++, published++) window.push(batch, 0, 'q')
      },
    }
    window.push(batch, 0, 'q')
    for (let tag = 1; tag <= 5_001; tag++) window.confirm(tag, false)
    return window.empty()
  })

  it('empty the window', async () => {
    const { window } = windowOf(numbered(3))
    let isEmpty = false
    void window.empty().then(() => {
      isEmpty = true
    })
    window.confirm(2, true)
    await Promise.resolve()
    expect(isEmpty).toBe(false)
    window.confirm(3, false)
    await Promise.resolve()
    expect(isEmpty).toBe(true)
  })
})

describe('returns', () => {
  it('fail the message, and the confirm that follows does not succeed it', () => {
    const { window, answers } = windowOf(numbered(3))
    expect(window.return('id-2', 'q', failure)).toBe(true)
    window.confirm(3, true)
    expect([...answers]).toEqual([
      [2, failure],
      [1, undefined],
      [3, undefined],
    ])
  })

  it('are told apart where one id is on its way twice', () => {
    const { window, answers } = windowOf(['a', 'a', 'b', 'a'])
    window.confirm(1, false)
    window.return('a', 'q', failure)
    window.return('b', 'q', failure)
    window.confirm(4, true)
    expect([...answers].sort()).toEqual([
      [1, undefined],
      [2, failure],
      [3, failure],
      [4, undefined],
    ])
  })

  it('of another routing key, or of nothing known, are not taken for these', () => {
    const { window, answers } = windowOf(['a'])
    expect(window.return('a', 'other', failure)).toBe(false)
    expect(window.return('b', 'q', failure)).toBe(false)
    expect(answers.size).toBe(0)
  })
})
