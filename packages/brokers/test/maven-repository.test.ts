import { expect, test } from 'vitest'
import { mavenRepository, mirrorsOfCentral, trustedAuthorities } from '../src/maven-repository.ts'

const settings = (...mirrors: string[]): string =>
  `<?xml version="1.0"?><settings xmlns="http://maven.apache.org/SETTINGS/1.0.0"><mirrors>${mirrors.join('')}</mirrors></settings>`
const mirror = (of: string, url: string, more = ''): string =>
  `<mirror><id>x</id><mirrorOf>${of}</mirrorOf><url>${url}</url>${more}</mirror>`

test.each([
  ['everything', settings(mirror('*', 'http://a.test/m')), ['http://a.test/m']],
  ['Central by name, among others', settings(mirror('other, central', 'http://a.test/m')), ['http://a.test/m']],
  ['all that is elsewhere', settings(mirror('external:*', 'http://a.test/m')), ['http://a.test/m']],
  ['everything but Central', settings(mirror('*,!central', 'http://a.test/m')), []],
  ['another repository', settings(mirror('other', 'http://a.test/m')), []],
  [
    "Maven's own barrier against plain HTTP",
    settings(mirror('external:http:*', 'http://0.0.0.0/', '<blocked>true</blocked>')),
    [],
  ],
  ['a blocked mirror', settings(mirror('*', 'http://a.test/m', '<blocked>true</blocked>')), []],
  [
    'several, in their order',
    settings(mirror('central', 'http://a.test/m'), mirror('*', 'http://b.test/m')),
    ['http://a.test/m', 'http://b.test/m'],
  ],
  ['a mirror in a comment', settings(`<!-- ${mirror('*', 'http://a.test/m')} -->`), []],
  // biome-ignore lint/suspicious/noTemplateCurlyInString: Maven's own notation
  ['an address from the environment', settings(mirror('*', 'http://${env.MIRROR_HOST}/m')), ['http://env.test/m']],
  ['an ampersand', settings(mirror('*', 'http://a.test/m?x=1&amp;y=2')), ['http://a.test/m?x=1&y=2']],
  ['no mirrors', '<settings/>', []],
  ['no settings', '', []],
])('%s', (_, text, expected) => {
  expect(mirrorsOfCentral(text, { MIRROR_HOST: 'env.test' })).toEqual(expected)
})

test('a mirror named by the environment comes before all settings', () => {
  process.env.WAYBILL_MAVEN_MIRROR = 'http://named.test/maven/'
  try {
    expect(mavenRepository()).toBe('http://named.test/maven')
  } finally {
    delete process.env.WAYBILL_MAVEN_MIRROR
  }
})

test('a build trusts whom this process trusts', () => {
  const certificates = trustedAuthorities().match(/-----BEGIN CERTIFICATE-----/g) ?? []
  expect(certificates.length).toBeGreaterThan(50)
})
