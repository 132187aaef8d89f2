import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { registryMemory, registryOf } from '../src/registry-memory.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'registries-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

test('remembers per engine and registry, for one day', () => {
  registryMemory(folder, 'engine', '2026-01-01').remember('r', 'no such host')
  expect(registryMemory(folder, 'engine', '2026-01-01').failure('r')).toBe('no such host')
  expect(registryMemory(folder, 'engine', '2026-01-01').failure('other')).toBeUndefined()
  expect(registryMemory(folder, 'other', '2026-01-01').failure('r')).toBeUndefined()
  expect(registryMemory(folder, 'engine', '2026-01-02').failure('r')).toBeUndefined()
})

test('survives a broken file', () => {
  writeFileSync(join(folder, 'registries.json'), '{')
  const memory = registryMemory(folder, 'engine')
  expect(memory.failure('r')).toBeUndefined()
  memory.remember('r', 'why')
  expect(memory.failure('r')).toBe('why')
})

test.each([
  ['rabbitmq:4-management', 'the default registry'],
  ['apache/kafka:4.1.1', 'the default registry'],
  ['registry.test/a/b:1', 'registry.test'],
  ['localhost/a', 'localhost'],
  ['host:5000/a', 'host:5000'],
])('%s is of %s', (image, registry) => {
  expect(registryOf(image)).toBe(registry)
})
