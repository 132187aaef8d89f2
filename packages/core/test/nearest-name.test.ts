import { describe, expect, test } from 'vitest'
import { hintFor, nearestName } from '../src/driver/nearest-name.ts'

const known = ['url', 'prefetch', 'heartbeatMs', 'tls', 'connection', 'connections']

describe('nearestName', () => {
  test.each([
    ['prefech', 'prefetch'],
    ['prefetcher', 'prefetch'],
    ['perfetch', 'prefetch'],
    ['Prefetch', 'prefetch'],
    ['heartbeatms', 'heartbeatMs'],
    ['heartBeat', 'heartbeatMs'],
    ['urls', 'url'],
    ['ulr', 'url'],
    ['conection', 'connection'],
    ['conections', 'connections'],
    ['txx', undefined],
    ['tlx', 'tls'],
    ['password', undefined],
    ['abc', undefined],
    ['', undefined],
    ['xyzprefetch', undefined],
  ])('%s is near %s', (name, expected) => {
    expect(nearestName(name, known)).toBe(expected)
  })
})

describe('hintFor', () => {
  test.each([
    ['ulr', known, 'did you mean "url"?'],
    ['zzzzzz', ['a', 'b'], 'there are "a", "b"'],
    ['zzzzzz', [], 'there are none'],
  ])('%s of %j', (name, names, hint) => {
    expect(hintFor(name, names)).toBe(hint)
  })
})
