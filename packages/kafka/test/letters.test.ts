import { describe, expect, it } from 'vitest'
import type { KafkaRecord } from '../src/kafka-client.ts'
import { Letters } from '../src/kafka-letters.ts'
import { fetched, type HeaderList } from './fetched.ts'

let offsets = 0
const record = (key: string | Buffer | null, value: string | null, headers: HeaderList = []): KafkaRecord =>
  fetched({
    offset: String(offsets++),
    key: key === null ? null : Buffer.from(key as string),
    value: value === null ? null : Buffer.from(value),
    headers,
  })
const ours: HeaderList = [['waybill-key', Buffer.alloc(0)]]
const shown = (letters: Letters) => [...letters.all()].map(({ record: { value } }) => value?.toString())

describe('letters', () => {
  it('are shown in order, but for those that are buried', () => {
    const letters = new Letters(true)
    for (const key of ['a', 'b', 'c']) letters.read(0, record(key, key, ours))
    letters.read(0, record('b', null))
    letters.read(0, record('unknown', null))
    expect(shown(letters)).toEqual(['a', 'c'])
  })

  it('of one key are several in a topic that is not compacted, and are buried by their place', () => {
    const letters = new Letters(false)
    for (const value of ['one', 'two']) letters.read(0, record('customer', value))
    letters.read(0, record(null, 'three'))
    expect(shown(letters)).toEqual(['one', 'two', 'three'])
    const [, second, third] = [...letters.all()]
    for (const each of [second!, third!]) letters.read(0, record(each.key, null))
    expect(shown(letters)).toEqual(['one'])
  })

  it('of one key are one in a compacted topic', () => {
    const letters = new Letters(true)
    for (const value of ['one', 'two']) letters.read(0, record('theirs', value))
    expect(shown(letters)).toEqual(['two'])
    expect([...letters.all()][0]?.key.toString()).toBe('theirs')
  })

  it('of several partitions do not bury each other', () => {
    const letters = new Letters(true)
    letters.read(0, record('a', 'first', ours))
    letters.read(1, record('a', 'second', ours))
    letters.read(1, record('a', null))
    expect(shown(letters)).toEqual(['first'])
  })
})
