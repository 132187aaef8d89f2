import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** Remembers for the rest of a day that an engine could not reach a registry, so that each run does not pay for it again. */
export interface RegistryMemory {
  failure(registry: string): string | undefined
  remember(registry: string, reason: string): void
}

type Entries = Record<string, { readonly day: string; readonly reason: string }>

/** Kept in `registries.json` of `folder`; delete the file to try again at once. */
export function registryMemory(folder: string, engineId: string, day: string = today()): RegistryMemory {
  const file = join(folder, 'registries.json')
  const keyOf = (registry: string): string => `${engineId} ${registry}`
  const read = (): Entries => {
    try {
      return JSON.parse(readFileSync(file, 'utf8')) as Entries
    } catch {
      return {}
    }
  }
  return {
    failure(registry) {
      const entry = read()[keyOf(registry)]
      return entry?.day === day ? entry.reason : undefined
    },
    remember(registry, reason) {
      const current = Object.fromEntries(Object.entries(read()).filter(([, entry]) => entry.day === day))
      writeFileSync(file, `${JSON.stringify({ ...current, [keyOf(registry)]: { day, reason } }, undefined, 2)}\n`)
    },
  }
}

/** The registry that an image's name refers to. */
export function registryOf(image: string): string {
  const [first, ...rest] = image.split('/')
  const named = rest.length > 0 && first !== undefined && (/[.:]/.test(first) || first === 'localhost')
  return named ? first : 'the default registry'
}

function today(): string {
  return new Date().toISOString().slice(0, 10)
}
