import type { ResolvedSetting } from './driver/adapter-module.ts'
import { MessagingError } from './messaging-error.ts'

/** The environment's variables, as `process.env` has them. */
export type Environment = { readonly [name: string]: string | undefined }

type Resolved = { [name: string]: ResolvedSetting }

const maxDepth = 20

/**
 * The settings with every `{ env: NAME }` replaced by that variable's value, in records of null prototype.
 *
 * `undefined` means absent. `what` says in errors where the settings stand.
 *
 * @throws MessagingError `invalidArgument` on a missing variable, on what JSON could not say, and on names of
 * `Object.prototype`.
 */
export function resolveSettings(what: string, settings: Record<string, unknown>, env: Environment): Resolved {
  return resolveRecord(settings, { what, env, depth: 0 })
}

/** A record as a literal or a parser makes it, from any realm; no array, class instance or driver. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === null || Object.getPrototypeOf(prototype) === null
}

interface Place {
  readonly what: string
  readonly env: Environment
  readonly depth: number
}

function resolveRecord(record: Record<string, unknown>, place: Place): Resolved {
  const resolved = Object.create(null) as Resolved
  for (const name of Object.keys(record)) {
    if (name in Object.prototype) throw invalid(place.what, `"${name}" cannot be the name of a setting; remove it`)
    const value = record[name]
    if (value !== undefined) resolved[name] = resolve(value, inside(place, `${place.what}: ${name}`))
  }
  return resolved
}

function resolve(value: unknown, place: Place): ResolvedSetting {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value
  if (typeof value === 'number' && Number.isFinite(value)) return value
  if (place.depth > maxDepth) throw invalid(place.what, 'settings are nested too deeply, or contain themselves')
  if (Array.isArray(value)) return value.map((each, index) => resolve(each, inside(place, `${place.what}[${index}]`)))
  if (!isRecord(value)) throw invalid(place.what, 'expected text, a number, true, false, null, a list or a record')
  return isReference(value) ? fromEnvironment(value.env, place) : resolveRecord(value, place)
}

function isReference(value: Record<string, unknown>): value is { env: unknown } {
  const names = Object.keys(value)
  return names.length === 1 && names[0] === 'env'
}

function fromEnvironment(name: unknown, { what, env }: Place): string {
  if (typeof name !== 'string' || name === '') throw invalid(what, '{ env } must give the name of a variable')
  const value = Object.hasOwn(env, name) ? env[name] : undefined
  if (value === undefined) throw invalid(what, `the environment variable ${name} is not set; set it`)
  return value
}

function inside(place: Place, what: string): Place {
  return { what, env: place.env, depth: place.depth + 1 }
}

function invalid(what: string, problem: string): MessagingError {
  return new MessagingError('invalidArgument', `${what}: ${problem}`)
}
