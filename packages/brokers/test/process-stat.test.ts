import { expect, test } from 'vitest'
import { parseProcessStat, processStat } from '../src/process-stat.ts'

const rest = '1 42 42 0 -1 4194560 1 0 0 0 1 2 0 0 20 0 7 0 165509 1000 100 18446744073709551615'

test.each([
  ['a running process', `42 (dockerd) S ${rest}`, { command: 'dockerd', startTicks: '165509' }],
  ['a name with spaces and parentheses', `42 (a (b) c) R ${rest}`, { command: 'a (b) c', startTicks: '165509' }],
  ['a zombie', `42 (dockerd) Z ${rest}`, undefined],
  ['nothing', '', undefined],
])('%s', (_, text, stat) => {
  expect(parseProcessStat(text)).toEqual(stat)
})

test.runIf(process.platform === 'linux')('this process runs, the highest id plus one does not', () => {
  expect(processStat(process.pid)?.startTicks).toMatch(/^\d+$/)
  expect(processStat(4_194_305)).toBeUndefined()
})
