import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { aptMirrors, deb822Mirrors, oneLineMirrors } from '../src/apt-sources.ts'

test.each([
  [
    'a plain stanza',
    'Types: deb\nURIs: http://a.test/debian/\nSuites: trixie\nComponents: main\n',
    ['http://a.test/debian'],
  ],
  [
    'several addresses and types',
    'Types: deb deb-src\nURIs: http://a.test/d https://b.test/d\nSuites: trixie\n',
    ['http://a.test/d', 'https://b.test/d'],
  ],
  ['field names in any case', 'types: deb\nuris: http://a.test/d\nsuites: trixie\n', ['http://a.test/d']],
  [
    'a continued field',
    'Types: deb\nURIs:\n http://a.test/d\n http://b.test/d\nSuites: trixie\n',
    ['http://a.test/d', 'http://b.test/d'],
  ],
  [
    'an inline key',
    'Types: deb\nURIs: http://a.test/d\nSuites: trixie\nSigned-By:\n -----BEGIN PGP-----\n .\n xyz\n',
    ['http://a.test/d'],
  ],
  [
    'a commented address',
    'Types: deb\n# URIs: http://no.test/d\nURIs: http://a.test/d\nSuites: trixie\n',
    ['http://a.test/d'],
  ],
  [
    'a comment within a continued field',
    'Types: deb\nURIs:\n# http://no.test/d\n http://a.test/d\nSuites: trixie\n',
    ['http://a.test/d'],
  ],
  ['a commented stanza', '# Types: deb\n# URIs: http://no.test/d\n# Suites: trixie\n', []],
  [
    'a disabled stanza',
    'Enabled: no\nTypes: deb\nURIs: http://no.test/d\nSuites: trixie\n\nTypes: deb\nURIs: http://a.test/d\nSuites: x\n',
    ['http://a.test/d'],
  ],
  ['sources only', 'Types: deb-src\nURIs: http://no.test/d\nSuites: trixie\n', []],
  ['security updates', 'Types: deb\nURIs: http://no.test/debian-security\nSuites: trixie-security\n', []],
  [
    'addresses that are not of the web',
    'Types: deb\nURIs: file:/srv/d mirror+file:/etc/m cdrom:x\nSuites: trixie\n',
    [],
  ],
  ['nothing', '', []],
])('deb822: %s', (_, text, mirrors) => {
  expect(deb822Mirrors(text)).toEqual(mirrors)
})

test.each([
  ['a plain line', 'deb http://a.test/debian/ trixie main', ['http://a.test/debian']],
  ['options', 'deb [arch=amd64 signed-by=/k.gpg] https://a.test/d trixie main', ['https://a.test/d']],
  [
    'commented lines',
    '# deb http://no.test/d trixie main\n  #deb http://no.test/d trixie main\ndeb http://a.test/d trixie main # why',
    ['http://a.test/d'],
  ],
  [
    'sources, security, cdrom',
    'deb-src http://no.test/d trixie main\ndeb http://no.test/s trixie-security main\ndeb cdrom:[x]/ trixie main',
    [],
  ],
  ['an address without a suite', 'deb http://no.test/d', []],
])('one-line: %s', (_, text, mirrors) => {
  expect(oneLineMirrors(text)).toEqual(mirrors)
})

test('reads the files that apt reads, in its order, each mirror once', () => {
  const folder = mkdtempSync(join(tmpdir(), 'apt-'))
  try {
    const parts = join(folder, 'sources.list.d')
    mkdirSync(parts)
    writeFileSync(join(folder, 'sources.list'), 'deb http://first.test/d trixie main\n')
    writeFileSync(
      join(parts, 'b.list'),
      'deb http://third.test/d trixie main\ndeb http://first.test/d/ trixie-updates main\n',
    )
    writeFileSync(join(parts, 'a.sources'), 'Types: deb\nURIs: http://second.test/d\nSuites: trixie\n')
    writeFileSync(join(parts, 'c.list.disabled'), 'deb http://no.test/d trixie main\n')
    writeFileSync(join(parts, 'd.sources.disabled'), 'Types: deb\nURIs: http://no.test/d\nSuites: trixie\n')
    expect(aptMirrors(folder)).toEqual(['http://first.test/d', 'http://second.test/d', 'http://third.test/d'])
    expect(aptMirrors(join(folder, 'missing'))).toEqual([])
  } finally {
    rmSync(folder, { recursive: true })
  }
})
