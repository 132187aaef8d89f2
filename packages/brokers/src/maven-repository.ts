import { readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { getCACertificates } from 'node:tls'
import { XMLParser } from 'fast-xml-parser'

const central = 'https://repo.maven.apache.org/maven2'

/**
 * Where a build fetches jars from: `WAYBILL_MAVEN_MIRROR`, else the mirror of Maven Central in this user's or this host's
 * Maven settings, else Maven Central. Read at run time and written nowhere.
 */
export function mavenRepository(): string {
  const files = [join(homedir(), '.m2', 'settings.xml'), '/etc/maven/settings.xml']
  const named = process.env.WAYBILL_MAVEN_MIRROR
  const mirrors = named ? [named] : files.flatMap((file) => mirrorsOfCentral(textOf(file), process.env))
  return (mirrors[0] ?? central).replace(/\/+$/, '')
}

/** The addresses that Maven settings name instead of Maven Central, in their order. */
export function mirrorsOfCentral(
  settings: string,
  environment: Readonly<Record<string, string | undefined>> = {},
): string[] {
  const parser = new XMLParser({ isArray: (name) => name === 'mirror', parseTagValue: false })
  const mirrors: readonly Mirror[] = parser.parse(settings)?.settings?.mirrors?.mirror ?? []
  return mirrors
    .filter(({ mirrorOf, blocked, url }) => url !== undefined && blocked !== 'true' && coversCentral(mirrorOf ?? ''))
    .map(({ url = '' }) => url.replace(/\$\{env\.(\w+)\}/g, (_, name: string) => environment[name] ?? ''))
}

interface Mirror {
  readonly mirrorOf?: string
  readonly url?: string
  readonly blocked?: string
}

/** Maven's own rule: a list of repositories and patterns, of which an exception wins. */
function coversCentral(mirrorOf: string): boolean {
  const names = mirrorOf.split(',').map((name) => name.trim())
  return !names.includes('!central') && names.some((name) => ['*', 'central', 'external:*'].includes(name))
}

/** The certificates of everybody this process trusts (Node's list, the system's, `NODE_EXTRA_CA_CERTS`), in PEM. */
export function trustedAuthorities(): string {
  return [...new Set([...getCACertificates('default'), ...getCACertificates('system')])].join('\n')
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}
