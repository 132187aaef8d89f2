import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'vitest'
import { keyOf } from '../src/behaviour.ts'
import { behaviourIds, missingIds } from '../src/catalogue.ts'
import { behaviours } from '../src/families/index.ts'

test('every id of the catalogue has a case', () => {
  const written = new Set(behaviours.map(({ id }) => id.slice(0, 3)))
  const expected = missingIds(behaviours).filter((id) => written.has(id.slice(0, 3)))
  deepEqual(expected, [])
})

test('no two cases have one name', () => {
  const keys = behaviours.map(keyOf)
  equal(new Set(keys).size, keys.length)
  for (const { id, needs, refusal } of behaviours) {
    equal(behaviourIds.includes(id), true)
    equal(needs?.capability === undefined, refusal === undefined, `${id}: a capability and a refusal go together`)
  }
})
