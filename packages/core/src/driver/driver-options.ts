import { MessagingError } from '../messaging-error.ts'
import { hintFor } from './nearest-name.ts'

/** One option of a driver. */
export interface OptionRule {
  /** What is wrong with a value; `undefined`: nothing. */
  readonly check: (value: unknown) => string | undefined
  /** From a URL parameter; what it cannot make sense of it leaves to `check`. Default: the text. */
  readonly parse?: (text: string) => unknown
  /** The names of options that are of no use without each other, this one among them. */
  readonly together?: readonly string[]
}

export const textOption: OptionRule = {
  check: (value) => (typeof value === 'string' && value !== '' ? undefined : 'must be a text that is not empty'),
}
export const anyTextOption: OptionRule = {
  check: (value) => (typeof value === 'string' ? undefined : 'must be a text'),
}
export const booleanOption: OptionRule = {
  check: (value) => (typeof value === 'boolean' ? undefined : 'must be true or false'),
  parse: (value) => (value === 'true' ? true : value === 'false' ? false : value),
}
export const choiceOption = (...choices: readonly string[]): OptionRule => ({
  check: (value) => (choices.includes(value as string) ? undefined : `must be one of ${choices.join(', ')}`),
})
export const wholeNumberOption = (least: number, most: number): OptionRule => ({
  check: (value) =>
    Number.isInteger(value) && (value as number) >= least && (value as number) <= most
      ? undefined
      : `must be a whole number from ${least} to ${most}`,
  parse: (value) => (/^\d+$/.test(value) ? Number(value) : value),
})

/** Of all drivers that say who they are by user and password. */
export const credentialOptions: { readonly [name: string]: OptionRule } = inseparable({
  username: textOption,
  password: anyTextOption,
})

/** Of all drivers that may speak TLS. */
export const tlsOptions: { readonly [name: string]: OptionRule } = {
  'tls.ca': textOption,
  ...inseparable({ 'tls.cert': textOption, 'tls.key': textOption }),
  'tls.passphrase': anyTextOption,
  'tls.servername': textOption,
  'tls.allowUnverified': booleanOption,
}

/** All options that a driver has, in code, records and URL parameters alike; those of TLS with `tls.` before them. */
export class DriverOptions {
  readonly #system: string
  readonly #rules: { readonly [name: string]: OptionRule }

  constructor(system: string, rules: { readonly [name: string]: OptionRule }) {
    this.#system = system
    this.#rules = rules
  }

  /** @throws MessagingError `invalidArgument` on an unknown or wrong one, or half of what goes together. */
  check(options: object): void {
    if (!isRecord(options)) this.refuse('options must be a record')
    const given = new Map<string, OptionRule>()
    for (const [name, value] of this.#flat(options)) {
      const rule = this.#ruleOf(name)
      if (value === undefined) continue
      const wrong = rule.check(value)
      if (wrong !== undefined) this.refuse(`${name} ${wrong}`)
      given.set(name, rule)
    }
    for (const { together = [] } of given.values()) {
      if (!together.every((name) => given.has(name))) this.refuse(`give ${together.join(' and ')} together`)
    }
  }

  /** Options from the parameters of a URL, not checked yet. @throws MessagingError `invalidArgument` on an unknown one. */
  fromParameters(parameters: Iterable<[name: string, value: string]>): { [name: string]: unknown } {
    const options: { [name: string]: unknown } = {}
    const tls: { [name: string]: unknown } = {}
    for (const [name, value] of parameters) {
      const rule = name === 'url' ? this.#unknown(name) : this.#ruleOf(name)
      const parsed = rule.parse === undefined ? value : rule.parse(value)
      if (name.startsWith('tls.')) tls[name.slice('tls.'.length)] = parsed
      else options[name] = parsed
    }
    return Object.keys(tls).length > 0 ? { ...options, tls } : options
  }

  /** @throws MessagingError `invalidArgument`, always. */
  refuse(what: string): never {
    throw new MessagingError('invalidArgument', `${this.#system} driver: ${what}`, { system: this.#system })
  }

  #ruleOf(name: string): OptionRule {
    return Object.hasOwn(this.#rules, name) ? (this.#rules[name] as OptionRule) : this.#unknown(name)
  }

  #unknown(name: string): never {
    return this.refuse(`unknown option "${name}": ${hintFor(name, Object.keys(this.#rules))}`)
  }

  /** The options by their full names: `tls.ca`. */
  *#flat(options: object): Generator<[name: string, value: unknown]> {
    for (const [name, value] of Object.entries(options)) {
      if (name !== 'tls') yield [name, value]
      else if (!isRecord(value)) this.refuse('tls must be a record')
      else for (const [inner, innerValue] of Object.entries(value)) yield [`tls.${inner}`, innerValue]
    }
  }
}

function inseparable(rules: { readonly [name: string]: OptionRule }): { readonly [name: string]: OptionRule } {
  const names = Object.keys(rules)
  return Object.fromEntries(Object.entries(rules).map(([name, rule]) => [name, { ...rule, together: names }]))
}

function isRecord(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
