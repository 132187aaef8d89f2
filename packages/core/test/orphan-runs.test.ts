import { beforeEach, describe, expect, test } from 'vitest'
import { coreHeader } from '../src/core-headers.ts'
import type { WireMessage } from '../src/driver/wire-message.ts'
import { OrphanRuns } from '../src/orphan-runs.ts'
import type { Task } from '../src/task.ts'

const wireOf = (id: string | undefined, source?: string): WireMessage => ({ id, source, headers: {} }) as WireMessage
const taskOf = (id: string | undefined, source?: string): Task => ({ wire: wireOf(id, source) }) as Task

let orphans: OrphanRuns
let told: string[]

beforeEach(() => {
  orphans = new OrphanRuns()
  told = []
})

const join = (id: string, name = id): void => orphans.join(wireOf(id), (ending) => told.push(`${name} ${ending}`))

describe('OrphanRuns', () => {
  test('knows none at first', () => {
    expect(orphans.has(wireOf('a'))).toBe(false)
    orphans.ended(taskOf('a'), 'succeeded')
    expect(orphans.has(wireOf('a'))).toBe(false)
  })

  test('a message is its source and its id', () => {
    orphans.add(taskOf('a', '/one'))
    expect(orphans.has(wireOf('a', '/one'))).toBe(true)
    expect(orphans.has(wireOf('a', '/other'))).toBe(false)
    expect(orphans.has(wireOf('b', '/one'))).toBe(false)
    expect(orphans.has(wireOf('a'))).toBe(false)
    orphans.add(taskOf('a'))
    expect(orphans.has(wireOf('a', ''))).toBe(true)
  })

  test('a copy made for a retry is another one than its original', () => {
    const copyOf = (number: string): WireMessage => ({ ...wireOf('a'), headers: { [coreHeader.copy]: number } })
    orphans.add(taskOf('a'))
    expect(orphans.has(copyOf('1'))).toBe(false)
    orphans.add({ wire: copyOf('1') } as Task)
    expect(orphans.has(copyOf('1'))).toBe(true)
    expect(orphans.has(copyOf('2'))).toBe(false)
  })

  test('a message without an id is nobody in particular', () => {
    orphans.add(taskOf(undefined))
    orphans.add(taskOf('a'))
    expect(orphans.has(wireOf(undefined))).toBe(false)
    orphans.ended(taskOf(undefined), 'failed')
    expect(orphans.has(wireOf('a'))).toBe(true)
  })

  test.each(['succeeded', 'failed'] as const)('who waits is told when the run has %s, once', (ending) => {
    orphans.add(taskOf('a'))
    join('a', 'first')
    join('a', 'second')
    expect(told).toEqual([])
    orphans.ended(taskOf('a'), ending)
    orphans.ended(taskOf('a'), 'failed')
    expect(told).toEqual([`first ${ending}`, `second ${ending}`])
    expect(orphans.has(wireOf('a'))).toBe(false)
  })

  test('who comes after the run has succeeded is told at once, and only one of them', () => {
    orphans.add(taskOf('a'))
    orphans.ended(taskOf('a'), 'succeeded')
    orphans.ended(taskOf('a'), 'failed')
    expect(orphans.has(wireOf('a'))).toBe(true)
    join('a')
    expect(told).toEqual(['a succeeded'])
    expect(orphans.has(wireOf('a'))).toBe(false)
  })

  test('after the run has failed the next delivery is like any other', () => {
    orphans.add(taskOf('a'))
    orphans.ended(taskOf('a'), 'failed')
    expect(orphans.has(wireOf('a'))).toBe(false)
  })

  test('one that is lost twice is remembered once, with those that wait', () => {
    orphans.add(taskOf('a'))
    join('a')
    orphans.add(taskOf('a'))
    orphans.ended(taskOf('a'), 'succeeded')
    expect(told).toEqual(['a succeeded'])
  })

  test('remembers ten thousand, the latest', () => {
    for (let index = 0; index < 10_000; index++) orphans.add(taskOf(`${index}`))
    expect(orphans.has(wireOf('0'))).toBe(true)
    orphans.add(taskOf('one more'))
    expect(orphans.has(wireOf('0'))).toBe(false)
    expect(orphans.has(wireOf('1'))).toBe(true)
    expect(orphans.has(wireOf('one more'))).toBe(true)
  })
})
