import { readFile, writeFile } from 'node:fs/promises'
import { behaviours, keyOf } from '@waybill/conformance'

const file = new URL('../../conformance/mutants.json', import.meta.url)

/** For each mutant the cases that turned red. */
export type MutantReport = { readonly [mutant: string]: readonly string[] }

/** Mutants by name, cases in the order of the catalogue: the same text for the same outcome. */
export function formatReport(red: ReadonlyMap<string, readonly string[]>): string {
  const order = behaviours.map(keyOf)
  const sorted = [...red.keys()].sort().map((name): [string, readonly string[]] => {
    const cases = red.get(name) ?? []
    return [name, order.filter((key) => cases.includes(key))]
  })
  return `${JSON.stringify(Object.fromEntries(sorted), undefined, 2)}\n`
}

export async function readReport(): Promise<string> {
  return readFile(file, 'utf8').catch(() => '')
}

/** Writes what these mutants turned red, and leaves what is there of the others; `all` are the names that have a place. */
export async function updateReport(all: readonly string[], red: ReadonlyMap<string, readonly string[]>): Promise<void> {
  const text = await readReport()
  const before = Object.entries(text === '' ? {} : (JSON.parse(text) as MutantReport))
  const kept = before.filter(([name]) => all.includes(name))
  await writeFile(file, formatReport(new Map([...kept, ...red])))
}
