import { describe, expect, it } from 'vitest'
import { deadLetter, outcomeOf, retryLater } from '../src/outcome.ts'

function thrownBy(work: () => never): Error {
  try {
    return work()
  } catch (error) {
    return error as Error
  }
}

function wrapped(error: unknown, times: number): unknown {
  let outer = error
  for (let time = 0; time < times; time++) outer = new Error(`wrapped ${time}`, { cause: outer })
  return outer
}

describe('deadLetter', () => {
  it('throws the reason, the cause and what is to be done', () => {
    const cause = new Error('why')
    const thrown = thrownBy(() => deadLetter('nothing to pay', { cause }))
    expect(thrown).toBeInstanceOf(Error)
    expect(thrown).toMatchObject({
      kind: 'deadLetter',
      delayMs: 0,
      name: 'DeadLetter',
      message: 'nothing to pay',
      cause,
    })
  })

  it('is branded out of sight', () => {
    const thrown = thrownBy(() => deadLetter('no'))
    const brand = Symbol.for('waybill.outcome')
    expect(Object.getOwnPropertyDescriptor(thrown, brand)).toEqual({
      value: true,
      enumerable: false,
      configurable: false,
      writable: false,
    })
  })

  it('has no cause of its own', () => {
    expect('cause' in thrownBy(() => deadLetter('nothing to pay'))).toBe(false)
  })
})

describe('retryLater', () => {
  it('throws the delay, the cause and what is to be done', () => {
    const cause = new Error('why')
    const thrown = thrownBy(() => retryLater(250, { cause }))
    const message = 'retry asked for in 250 ms'
    expect(thrown).toMatchObject({ kind: 'retryLater', delayMs: 250, name: 'RetryLater', message, cause })
  })

  it('takes no delay at all', () => {
    expect(thrownBy(() => retryLater(0))).toMatchObject({ kind: 'retryLater', delayMs: 0 })
  })

  it.each([-1, 0.5, NaN, Infinity])('refuses %d', (delayMs) => {
    const error = thrownBy(() => retryLater(delayMs))
    const message = `retryLater: delayMs must be a whole number of at least 0, not ${delayMs}`
    expect(error).toMatchObject({ code: 'invalidArgument', message })
    expect(outcomeOf(error)).toBeUndefined()
  })
})

describe('outcomeOf', () => {
  const outcome = thrownBy(() => deadLetter('no'))

  it.each([0, 1, 7])('finds it under %d wrappings', (times) => {
    expect(outcomeOf(wrapped(outcome, times))).toBe(outcome)
  })

  it('looks eight deep, and no deeper', () => {
    expect(outcomeOf(wrapped(outcome, 8))).toBeUndefined()
  })

  it.each([undefined, null, 'text', 42, {}, new Error('other'), { kind: 'deadLetter', delayMs: 0 }])(
    'finds none in %o',
    (thrown) => {
      expect(outcomeOf(thrown)).toBeUndefined()
    },
  )

  it('ends on causes in a circle', () => {
    const one = new Error('one')
    one.cause = new Error('other', { cause: one })
    expect(outcomeOf(one)).toBeUndefined()
  })

  it('survives what throws when it is looked at', () => {
    const hostile = new Proxy(
      {},
      {
        has() {
          throw new Error('planted')
        },
      },
    )
    expect(outcomeOf(hostile)).toBeUndefined()
  })

  it('knows the outcomes of another copy of the library', () => {
    const foreign = { [Symbol.for('waybill.outcome')]: true, kind: 'retryLater', delayMs: 3 }
    expect(outcomeOf({ cause: foreign })).toBe(foreign)
  })
})
