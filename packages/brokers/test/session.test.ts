import { expect, test } from 'vitest'
import { hostLabel, isStale, ownLabels, sessionLabel, sessionOf } from '../src/session.ts'

const labels = { [sessionLabel]: '42.boot-1000', [hostLabel]: 'here' }

test.each([
  ['the owner runs', labels, 'boot-1000', false],
  ['the owner is gone', labels, undefined, true],
  ['its process id belongs to another process now', labels, 'boot-2000', true],
  ['the machine was started again', labels, 'reboot-1000', true],
  ['it was made on another machine', { ...labels, [hostLabel]: 'there' }, undefined, false],
  ['it has no session', { [hostLabel]: 'here' }, undefined, false],
  ['its session cannot be read', { ...labels, [sessionLabel]: 'x' }, undefined, false],
  ['it has no labels', {}, undefined, false],
] as const)('%s', (_, given, startTime, stale) => {
  expect(isStale(given, 'here', (pid) => (pid === 42 ? startTime : undefined))).toBe(stale)
})

test('what this process owns is not stale, and ids of no process are', () => {
  expect(isStale(ownLabels())).toBe(false)
  expect(isStale({ ...ownLabels(), [sessionLabel]: `${process.pid}.another-start` })).toBe(true)
  expect(isStale({ ...ownLabels(), [sessionLabel]: '4194305.boot-1' })).toBe(true)
  expect(sessionOf(process.pid)).toBe(sessionOf(process.pid))
})
