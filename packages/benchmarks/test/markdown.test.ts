import { expect, test } from 'vitest'
import { mergedParts } from '../src/markdown.ts'

const section = mergedParts('broker', '', [
  { place: 0, text: 'head' },
  { place: 1_024.5, text: 'consume 1 KiB' },
  { place: 100, text: 'publish 100 B' },
])

test('the parts of a section stand in the order of their places', () => {
  expect(section.split('\n\n').filter((line) => !line.startsWith('<!--'))).toEqual([
    'head',
    'publish 100 B',
    'consume 1 KiB',
  ])
})

test('a part that is measured again replaces that part alone', () => {
  const merged = mergedParts('broker', `\n\n${section}\n\n`, [
    { place: 100, text: 'publish 100 B, anew' },
    { place: 100.5, text: 'consume 100 B' },
  ])
  expect(merged).toBe(
    section.replace('publish 100 B', 'publish 100 B, anew\n\n<!-- broker, part 100.5 -->\n\nconsume 100 B'),
  )
})
