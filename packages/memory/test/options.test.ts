import { describe, expect, test } from 'vitest'
import { MessagingError } from '@waybill/core/driver'
import {
  adapter,
  createMemoryBroker,
  memory,
  memoryCapabilities,
  MemoryBrokerError,
  memoryProfiles,
} from '../src/index.ts'
import { classifyMemoryError } from '../src/memory-errors.ts'
import { sharedBroker } from '../src/memory-broker.ts'
import { headerBytes } from '../src/wire-limits.ts'
import { wire } from './support.ts'

function codeOf(work: () => unknown): string | undefined {
  try {
    work()
    return undefined
  } catch (error) {
    return MessagingError.is(error) ? `${error.code}: ${error.message}` : String(error)
  }
}

describe('options', () => {
  test.each([
    [{ nam: 'x' }, /unknown option "nam": did you mean "name"/],
    [{ name: '' }, /name/],
    [{ name: 'x', broker: createMemoryBroker() }, /either name or broker/],
    [{ broker: {} }, /createMemoryBroker/],
    [{ profile: 'inplace' }, /profile must be one of .*inPlace/],
    [{ profile: 'lanes', like: memory() }, /either like or profile/],
    [{ like: 7 }, /like must be/],
    [{ capabilities: { maxBodyByte: 1 } }, /did you mean "maxBodyBytes"/],
    [{ capabilities: null }, /capabilities must be/],
    [null, /options must be a record/],
  ])('%j is refused', (options, message) => {
    expect(codeOf(() => memory(options as never))).toMatch(/^invalidArgument/)
    expect(codeOf(() => memory(options as never))).toMatch(message)
  })

  test('capabilities: the default, a profile, single changes, those of another driver', () => {
    expect(memory().capabilities).toEqual(memoryCapabilities)
    expect(Object.isFrozen(memory().capabilities)).toBe(true)
    const lanes = memory({ profile: 'lanes', capabilities: { maxBodyBytes: 7 } })
    expect(lanes.capabilities.delayLanes).toBe(true)
    expect(lanes.capabilities.delayedSend).toBeUndefined()
    expect(lanes.capabilities.maxBodyBytes).toBe(7)
    const foreign = { ...lanes, system: 'kafka' }
    expect(memory({ like: foreign }).capabilities).toEqual(lanes.capabilities)
    expect(memory({ like: foreign }).system).toBe('kafka')
    expect(memory({ like: lanes.capabilities }).system).toBe('memory')
    for (const profile of Object.keys(memoryProfiles)) memory({ profile: profile as never })
  })
})

describe('adapter', () => {
  test.each([
    ['memory://orders', /write memory: or memory:name/],
    ['kafka:', /no address of a memory broker/],
    ['nonsense', /not a URL/],
    ['memory:?nam=x', /unknown option "nam"/],
    ['memory:?profile=x', /profile must be one of/],
  ])('%s is refused', (url, message) => {
    expect(codeOf(() => adapter.fromUrl(url))).toMatch(/^invalidArgument/)
    expect(codeOf(() => adapter.fromUrl(url))).toMatch(message)
  })

  test('URLs and records', () => {
    expect(adapter.fromUrl('memory:').system).toBe('memory')
    expect(adapter.fromUrl('memory:orders?profile=native').capabilities.deadLetter).toBe('native')
    expect(adapter.fromSettings({ name: 'orders', capabilities: { maxBodyBytes: 9 } }).capabilities.maxBodyBytes).toBe(
      9,
    )
    expect(codeOf(() => adapter.fromSettings({ broker: 'x' }))).toMatch(/cannot come from a configuration/)
    expect(codeOf(() => adapter.fromSettings({ nme: 'x' }))).toMatch(/did you mean "name"/)
  })

  test('a name is one broker for the process', () => {
    expect(sharedBroker('a')).toBe(sharedBroker('a'))
    expect(sharedBroker('a')).not.toBe(sharedBroker('b'))
    expect(sharedBroker('__proto__')).not.toBe(sharedBroker('constructor'))
  })
})

test('errors are classified; unknown things are internal', () => {
  const abort = Object.assign(new Error('stop'), { name: 'AbortError' })
  expect(classifyMemoryError(new MemoryBrokerError('tooLarge', 'x'))).toBe('tooLarge')
  expect(classifyMemoryError(new MessagingError('timeout', 'x'))).toBe('timeout')
  expect(classifyMemoryError(abort)).toBe('aborted')
  for (const other of [null, undefined, 'x', new Error('x'), {}]) expect(classifyMemoryError(other)).toBe('internal')
})

test('header bytes are names and values of headers and attributes, in UTF-8', () => {
  const message = wire('id', { source: 's', type: 't', contentType: undefined, key: 'é', headers: { ü: '€' } })
  expect(headerBytes(message)).toBe(
    'id'.length * 2 + 'source'.length + 1 + 'type'.length + 1 + 'partitionkey'.length + 2 + 2 + 3,
  )
})
