import { describe, expect, it } from 'vitest'
import { SendTurns } from '../src/send-turns.ts'

function setUp(): { turns: SendTurns; log: string[]; work: (name: string) => () => Promise<string> } {
  const log: string[] = []
  const work = (name: string) => async () => {
    log.push(name)
    return name
  }
  return { turns: new SendTurns(), log, work }
}

describe('send turns', () => {
  it('run at once what nobody is before', () => {
    const { turns, log, work } = setUp()
    void turns.run(turns.take(), work('a'))
    expect(log).toEqual(['a'])
    expect(turns.count).toBe(0)
  })

  it('keep the order in which they were taken', async () => {
    const { turns, log, work } = setUp()
    const [a, b, c] = [turns.take(), turns.take(), turns.take()]
    const late = [turns.run(c, work('c')), turns.run(b, work('b'))]
    expect(log).toEqual([])
    await turns.run(a, work('a'))
    expect(await Promise.all(late)).toEqual(['c', 'b'])
    expect(log).toEqual(['a', 'b', 'c'])
  })

  it('let nobody overtake a turn that is about to run', async () => {
    const { turns, log, work } = setUp()
    const [a, b] = [turns.take(), turns.take()]
    const waiting = turns.run(b, work('b'))
    void turns.run(a, work('a'))
    const last = turns.run(turns.take(), work('c'))
    await Promise.all([waiting, last])
    expect(log).toEqual(['a', 'b', 'c'])
  })

  it('go on after one that gave up', async () => {
    const { turns, log, work } = setUp()
    const [a, b, c] = [turns.take(), turns.take(), turns.take()]
    const waiting = turns.run(c, work('c'))
    turns.pass(b)
    expect(log).toEqual([])
    turns.pass(a)
    await waiting
    expect(log).toEqual(['c'])
    expect(turns.count).toBe(0)
  })

  it('go on after one whose work threw', () => {
    const { turns, log, work } = setUp()
    const failing = (): Promise<string> => {
      throw new Error('planted')
    }
    expect(() => void turns.run(turns.take(), failing)).toThrow('planted')
    void turns.run(turns.take(), work('b'))
    expect(log).toEqual(['b'])
  })

  it('let one do its work again', async () => {
    const { turns, log, work } = setUp()
    const turn = turns.take()
    await turns.run(turn, work('a'))
    await turns.run(turn, work('again'))
    expect(log).toEqual(['a', 'again'])
  })
})
