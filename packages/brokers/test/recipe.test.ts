import { expect, test } from 'vitest'
import { recipeFiles, recipeHash, recipes, recipeTag } from '../src/recipe.ts'

const file = (name: string, text: string) => ({ name, content: Buffer.from(text) })

test('the hash depends on names, bytes and the base, and on nothing else', () => {
  const files = [file('Dockerfile', 'FROM x'), file('a.conf', 'b')]
  const hash = recipeHash(files, 'trixie')
  expect(hash).toMatch(/^[0-9a-f]{12}$/)
  expect(recipeHash([file('Dockerfile', 'FROM x'), file('a.conf', 'b')], 'trixie')).toBe(hash)
  const others = [
    recipeHash(files, 'bookworm'),
    recipeHash([file('Dockerfile', 'FROM y'), file('a.conf', 'b')], 'trixie'),
    recipeHash([file('Dockerfile', 'FROM x'), file('b.conf', 'b')], 'trixie'),
    recipeHash([file('Dockerfile', 'FROM xa.conf'), file('', 'b')], 'trixie'),
    recipeHash(files.slice(0, 1), 'trixie'),
  ]
  expect(new Set([hash, ...others]).size).toBe(others.length + 1)
})

test.each(Object.values(recipes))('$name has a Dockerfile and a fixed name', (recipe) => {
  expect(recipeFiles(recipe).map(({ name }) => name)).toContain('Dockerfile')
  expect(recipeTag(recipe)).toMatch(new RegExp(`^waybill/${recipe.name}:[0-9a-f]{12}$`))
})

test.each(Object.values(recipes))('$name names no mirror, proxy or registry', (recipe) => {
  for (const { content } of recipeFiles(recipe)) expect(content.toString()).not.toMatch(/https?:\/\//)
})
