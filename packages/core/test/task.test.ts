import { describe, expect, test } from 'vitest'
import type { Delivery, Settlement } from '../src/driver/driver.ts'
import { Task, TaskList } from '../src/task.ts'

function taskOf(
  options: { attempt?: string; deliveries?: number; counts?: boolean; settled?: Settlement[] } = {},
): Task {
  const { attempt, deliveries, counts = false, settled = [] } = options
  const headers = attempt === undefined ? {} : { 'waybill-attempt': attempt }
  const delivery = { message: { headers }, deliveries } as unknown as Delivery
  return new Task(delivery, 3, counts, (settlement) => settled.push(settlement))
}

describe('Task', () => {
  test.each([
    ['the first run', {}, 1],
    ['after two runs elsewhere', { attempt: '2' }, 3],
    ['deliveries do not count', { deliveries: 5 }, 1],
    ['deliveries count', { deliveries: 5, counts: true }, 5],
    ['deliveries count on top', { attempt: '2', deliveries: 5, counts: true }, 7],
    ['no count is one delivery', { counts: true }, 1],
    ['nor is it less', { deliveries: 0, counts: true }, 1],
    ['what is no number counts nothing', { attempt: 'many' }, 1],
  ])('attempt: %s', (_name, options, expected) => {
    const task = taskOf(options)
    expect(task.attempt).toBe(expected)
    task.heldRuns = 2
    expect(task.attempt).toBe(expected + 2)
  })

  test('begins waiting, settles once', () => {
    const settled: Settlement[] = []
    const task = taskOf({ settled })
    expect([task.state, task.isLost, task.holdsKey, task.generation]).toEqual(['waiting', false, false, 3])
    task.settle({ kind: 'accept' })
    task.settle({ kind: 'release' })
    expect(settled).toEqual([{ kind: 'accept' }])
    expect(task.state).toBe('settled')
  })

  test('its signal aborts once, with the first reason, whether looked at before or after', () => {
    const [before, after] = [taskOf(), taskOf()]
    const { signal } = before
    expect(before.signal).toBe(signal)
    expect(before.abortReason).toBeUndefined()
    for (const task of [before, after]) {
      task.abort('timeout', 'too long')
      task.abort('closed', 'closed')
      expect(task.abortReason).toMatchObject({ code: 'timeout', message: 'too long' })
      expect(task.signal.aborted).toBe(true)
      expect(task.signal.reason).toBe(task.abortReason)
    }
    expect(signal.aborted).toBe(true)
  })

  test('a renewed one has a signal of its own', () => {
    const task = taskOf()
    const former = task.signal
    task.abort('timeout', 'too long')
    task.renew()
    expect(task.abortReason).toBeUndefined()
    expect(task.signal).not.toBe(former)
    expect(task.signal.aborted).toBe(false)
  })
})

describe('TaskList', () => {
  test.each([
    ['first', 0],
    ['middle', 1],
    ['last', 2],
  ])('without its %s', (_name, index) => {
    const tasks = [taskOf(), taskOf(), taskOf()]
    const list = new TaskList()
    expect(list.toArray()).toEqual([])
    for (const task of tasks) list.add(task)
    expect(list.toArray()).toEqual(tasks)
    expect(list.count).toBe(3)
    const [removed] = tasks.splice(index, 1)
    list.remove(removed!)
    expect(list.toArray()).toEqual(tasks)
    expect(list.count).toBe(2)
    expect([removed!.next, removed!.previous]).toEqual([undefined, undefined])
    list.add(removed!)
    expect(list.toArray()).toEqual([...tasks, removed])
    for (const task of [...tasks, removed!]) list.remove(task)
    expect([list.toArray(), list.count, list.first]).toEqual([[], 0, undefined])
  })

  test('may change while a copy is walked', () => {
    const list = new TaskList()
    const tasks = [taskOf(), taskOf()]
    for (const task of tasks) list.add(task)
    const seen: Task[] = []
    for (const task of list.toArray()) {
      list.remove(task)
      seen.push(task)
    }
    expect(seen).toEqual(tasks)
  })
})
