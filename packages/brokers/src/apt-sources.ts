import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/**
 * The web addresses of the package archives that this host's apt uses, in its own order, without repetition.
 *
 * Read at run time and written nowhere. Archives that hold only security updates are left out. Files that apt would not
 * read (any other suffix), commented lines and stanzas with `Enabled: no` do not count.
 */
export function aptMirrors(aptFolder = '/etc/apt'): string[] {
  const parts = join(aptFolder, 'sources.list.d')
  const files = [
    join(aptFolder, 'sources.list'),
    ...entriesOf(parts)
      .sort()
      .map((name) => join(parts, name)),
  ]
  const found = files.flatMap((file) => {
    if (file.endsWith('.sources')) return deb822Mirrors(textOf(file))
    if (file.endsWith('.list')) return oneLineMirrors(textOf(file))
    return []
  })
  return [...new Set(found)]
}

/** The mirrors of a deb822 file (`*.sources`): the `URIs` of stanzas of type `deb` that are enabled. */
export function deb822Mirrors(text: string): string[] {
  return stanzas(text).flatMap((stanza) => {
    const words = (field: string): string[] => (stanza.get(field) ?? '').split(/\s+/).filter(Boolean)
    if (!words('types').includes('deb')) return []
    if (/^(no|false|without|off|disable|0)$/i.test(stanza.get('enabled') ?? '')) return []
    if (words('suites').every(isSecuritySuite)) return []
    return words('uris').filter(isWebAddress).map(withoutTrailingSlash)
  })
}

/** The mirrors of a one-line-style file (`*.list`): `deb [options] uri suite component...`. */
export function oneLineMirrors(text: string): string[] {
  return text.split('\n').flatMap((line) => {
    const entry = /^\s*deb\s+(?:\[[^\]]*\]\s+)?(\S+)\s+(\S+)/.exec(line.replace(/#.*/, ''))
    const [, uri, suite] = entry ?? []
    if (uri === undefined || suite === undefined || !isWebAddress(uri) || isSecuritySuite(suite)) return []
    return [withoutTrailingSlash(uri)]
  })
}

function stanzas(text: string): Map<string, string>[] {
  const all: Map<string, string>[] = []
  let fields = new Map<string, string>()
  let last = ''
  for (const line of text.split('\n')) {
    if (line.startsWith('#')) continue
    const field = /^([A-Za-z][A-Za-z0-9-]*):\s*(.*?)\s*$/.exec(line)
    if (field?.[1] !== undefined) {
      last = field[1].toLowerCase()
      fields.set(last, field[2] ?? '')
    } else if (/^[ \t]+\S/.test(line)) {
      fields.set(last, `${fields.get(last) ?? ''} ${line.trim()}`)
    } else {
      all.push(fields)
      fields = new Map()
    }
  }
  all.push(fields)
  return all.filter((stanza) => stanza.size > 0)
}

function isSecuritySuite(suite: string): boolean {
  return suite.includes('-security') || suite.endsWith('/updates')
}

function isWebAddress(uri: string): boolean {
  return /^https?:\/\//i.test(uri)
}

function withoutTrailingSlash(uri: string): string {
  return uri.replace(/\/+$/, '')
}

function entriesOf(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}
