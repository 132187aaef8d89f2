import { describe, expect, test } from 'vitest'
import {
  credentialOptions,
  DriverOptions,
  textOption,
  tlsOptions,
  wholeNumberOption,
} from '../src/driver/driver-options.ts'

const known = new DriverOptions('pigeon', {
  url: textOption,
  ...credentialOptions,
  birds: wholeNumberOption(1, 9),
  ...tlsOptions,
})

describe('options of a driver', () => {
  test.each<[string, unknown]>([
    ['all of them', { url: 'x', username: 'u', password: '', birds: 3, tls: { cert: 'c', key: 'k' } }],
    ['none, in so many words', { username: undefined, password: undefined, tls: { cert: undefined } }],
  ])('%s are taken', (_, options) => {
    expect(() => known.check(options as object)).not.toThrow()
  })

  test.each<[string, unknown, string]>([
    ['no record', 'pigeon://', 'options must be a record'],
    ['an unknown one without a value', { bird: undefined }, 'unknown option "bird": did you mean "birds"?'],
    ['a wrong one', { birds: 10 }, 'birds must be a whole number from 1 to 9'],
    ['tls that is no record', { tls: 'x' }, 'tls must be a record'],
    ['a user alone', { username: 'u' }, 'give username and password together'],
    ['a password alone', { username: undefined, password: 'p' }, 'give username and password together'],
    ['a certificate alone', { tls: { cert: 'c' } }, 'give tls.cert and tls.key together'],
    ['a key alone', { tls: { key: 'k' } }, 'give tls.cert and tls.key together'],
  ])('%s is refused', (_, options, what) => {
    expect(() => known.check(options as object)).toThrow(`pigeon driver: ${what}`)
  })

  test('come from parameters, those of TLS in a record of their own', () => {
    const parameters = new URLSearchParams('birds=3&tls.cert=c&tls.allowUnverified=true')
    expect(known.fromParameters(parameters)).toEqual({ birds: 3, tls: { cert: 'c', allowUnverified: true } })
    expect(known.fromParameters(new URLSearchParams('birds=many'))).toEqual({ birds: 'many' })
    expect(() => known.fromParameters(new URLSearchParams('url=x'))).toThrow('unknown option "url"')
  })
})
