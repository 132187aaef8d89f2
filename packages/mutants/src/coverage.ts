import { behaviours, keyOf } from '@waybill/conformance'
import type { Mutant } from './mutant.ts'

const families = ['SND', 'MSG', 'TOP', 'SET', 'RTY', 'RDR', 'IDM', 'ORD', 'BAT', 'FLW', 'LIF']

/** The cases that must be turned red by some mutant, in the order of the catalogue. */
export const coveredCases: readonly string[] = behaviours
  .filter(({ id }) => families.includes(id.slice(0, 3)))
  .map(keyOf)

/** Why a case has no mutant. Reviewed; a case with a mutant has no place here. */
export const reasons: { readonly [key: string]: string } = {
  'LIF-12':
    'It runs a program in a process of its own, which loads the adapter as an application would: nothing that this ' +
    'process patches or wraps reaches it. What it watches (drain, release, deadline) is broken by the mutants of ' +
    'LIF-03, LIF-04, LIF-05 and SET-07 in this process.',
  'LIF-12/at random moments': 'It runs the same program as LIF-12.',
}

/** What is wrong with the list of mutants as a whole. */
export function coverageProblems(mutants: readonly Mutant[]): readonly string[] {
  const known = new Set(behaviours.map(keyOf))
  const red = new Set(mutants.flatMap((mutant) => Object.keys(mutant.red)))
  const twice = mutants.map(({ name }) => name).filter((name, index, names) => names.indexOf(name) !== index)
  return [
    ...twice.map((name) => `two mutants are named ${name}`),
    ...mutants.filter((mutant) => Object.keys(mutant.red).length === 0).map(({ name }) => `${name} names no case`),
    ...[...red].filter((key) => !known.has(key)).map((key) => `there is no case ${key}`),
    ...coveredCases
      .filter((key) => !red.has(key) && reasons[key] === undefined)
      .map((key) => `no mutant turns ${key} red: add one, or a reason to coverage.ts`),
    ...Object.keys(reasons)
      .filter((key) => red.has(key) || !known.has(key))
      .map((key) => `the reason for ${key} is out of date`),
  ]
}
