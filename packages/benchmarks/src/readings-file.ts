import { writeFileSync } from 'node:fs'
import type { Comparison } from './comparison.ts'

/** Round by round, for who wants to compute something else of it than the report does. */
export function writeReadings(file: string, { heats }: Pick<Comparison, 'heats'>): void {
  const tables = heats.map(({ way, payload, readings }) => ({
    way,
    payload,
    readings: Object.fromEntries(Array.from(readings, ([{ name }, rounds]) => [name, rounds])),
  }))
  writeFileSync(file, `${JSON.stringify(tables)}\n`)
}
