import { expect, test } from 'vitest'
import { agreementPage, disagreements } from '../src/log-agreement.ts'
import { declarationProblems } from '../src/log-declarations.ts'
import type { LogReview } from '../src/log-review.ts'
import { profiles } from '../src/profile.ts'
import { reviewSimulations } from '../src/simulated-review.ts'

const minute = 60_000

test('two logs agree when each shows what the other does', { timeout: minute }, async () => {
  const review = await reviewSimulations({ firstSeed: 1, seeds: 600 })
  expect(disagreements({ simulated: review, real: review })).toEqual([])
  const { rules, kinds } = review
  const without = (kind: string): LogReview => ({ ...review, kinds: { ...kinds, [kind]: 0 } })
  const withRule = (tried: number, broken: readonly string[]): LogReview => ({
    ...review,
    rules: { ...rules, 'in-order': { tried, broken } },
  })
  expect(disagreements({ simulated: review, real: without('a dead letter') })).toEqual([
    '"a dead letter": never seen on the real log',
  ])
  expect(disagreements({ simulated: without('senders asked to wait'), real: review })).toEqual([
    '"senders asked to wait": never seen in the simulation',
  ])
  expect(disagreements({ simulated: review, real: without('senders asked to wait') })).toEqual([])
  expect(disagreements({ simulated: withRule(0, []), real: review })).toEqual([
    'in-order: never tried on the simulated log',
  ])
  expect(disagreements({ simulated: review, real: withRule(7, ['orders/0@4 comes after 2']) })).toEqual([
    'in-order: broken on the real log: orders/0@4 comes after 2',
  ])
  expect(agreementPage({ simulated: review, real: withRule(7, []) }, 'Kafka 4')).toMatch(/`in-order` .* \| 7 \|/)
})

test('a declaration differs for a reason, and a reason goes when nothing differs', () => {
  const { capabilities } = profiles.log
  const problems = declarationProblems({ ...capabilities, settlement: 'individual' })
  expect(problems).toContain('settlement: cumulative in the simulation, individual on the real log')
  expect(problems).toContain('byteBound: no longer different')
})
