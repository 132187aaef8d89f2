import { inspect, types } from 'node:util'

export interface ErrorDescription {
  readonly type: string
  readonly message: string
  /** Empty unless an error was thrown. Causes follow, each after `caused by: `. */
  readonly stack: string
}

const maxCauses = 8
const maxInner = 10
const shallow = { depth: 2, customInspect: false, maxArrayLength: 20, maxStringLength: 2000, breakLength: Infinity }

/** Puts whatever was thrown into words. Never throws, whatever the value's own code does. Conformance: ERR-05. */
export function describeError(error: unknown): ErrorDescription {
  if (!isErrorLike(error)) return { type: typeOf(error), message: textOf(error), stack: '' }
  return { type: typeOf(error), message: messageOf(error) + innerMessages(error), stack: stackOf(error) }
}

function isErrorLike(value: unknown): value is object {
  return types.isNativeError(value) || (isObject(value) && typeof read(value, 'message') === 'string')
}

/** The name an error gives itself, or its class where it only has the name of its ancestor. */
function typeOf(value: unknown): string {
  if (!isObject(value)) return value === null ? 'null' : typeof value
  const name = read(value, 'name')
  const className = read(read(value, 'constructor'), 'name')
  const isOwnWord = typeof name === 'string' && name !== '' && name !== 'Error'
  if (isOwnWord) return name
  return typeof className === 'string' && className !== '' ? className : typeof value
}

function messageOf(error: object): string {
  const message = read(error, 'message')
  return typeof message === 'string' ? message : textOf(error)
}

function innerMessages(error: object): string {
  const errors = read(error, 'errors')
  if (!isArray(errors)) return ''
  const length = Number(read(errors, 'length'))
  const shown = Array.from({ length: Math.min(length, maxInner) }, (_, index) => summaryOf(read(errors, String(index))))
  if (length > maxInner) shown.push(`and ${length - maxInner} more`)
  return shown.length === 0 ? '' : ` [${shown.join('; ')}]`
}

function summaryOf(error: unknown): string {
  return isErrorLike(error) ? `${typeOf(error)}: ${messageOf(error)}` : textOf(error)
}

function stackOf(error: object): string {
  const seen = new Set<unknown>()
  const stacks: string[] = []
  for (let each: unknown = error; each !== undefined && !seen.has(each) && seen.size <= maxCauses; ) {
    seen.add(each)
    stacks.push(ownStackOf(each))
    each = isObject(each) ? read(each, 'cause') : undefined
  }
  return stacks.join('\ncaused by: ')
}

function ownStackOf(error: unknown): string {
  const stack = isObject(error) ? read(error, 'stack') : undefined
  return typeof stack === 'string' && stack !== '' ? stack : summaryOf(error)
}

/** Does not run the value's own code: neither getters nor traps of a proxy. */
function textOf(value: unknown): string {
  if (typeof value === 'string') return value
  try {
    return inspect(value, shallow)
  } catch {
    return typeof value
  }
}

function read(value: unknown, name: string): unknown {
  if (!isObject(value)) return undefined
  try {
    return (value as Record<string, unknown>)[name]
  } catch {
    return undefined
  }
}

function isArray(value: unknown): boolean {
  try {
    return Array.isArray(value)
  } catch {
    return false
  }
}

function isObject(value: unknown): value is object {
  return (typeof value === 'object' && value !== null) || typeof value === 'function'
}
