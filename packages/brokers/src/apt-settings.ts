import { runCommand } from './command.ts'

/** What of the host's apt configuration a build needs to reach the same mirrors. */
export interface AptSettings {
  /** Proxy variables in the form both Docker's build arguments and `debootstrap` understand. */
  readonly proxies: Readonly<Record<string, string>>
  /** Lines for a file named by `APT_CONFIG`: the host's checks and retries, nothing secret. */
  readonly lines: string
}

const carried = /^Acquire::(Check-Valid-Until|Check-Date|Max-FutureTime|Retries|ForceIPv4|ForceIPv6|https?::Timeout)$/i

/** Reads `apt-config dump`, and the environment's proxies where apt names none. Nothing of it is stored. */
export async function hostAptSettings(mirror: string): Promise<AptSettings> {
  const dump = await runCommand('apt-config', ['dump'], { deadlineMs: 10_000 }).catch(() => '')
  const settings = parseAptSettings(dump, process.env)
  if (settings.proxies.http_proxy !== undefined || !/Proxy-Auto-?Detect "./i.test(dump)) return settings
  const detected = await runCommand('/usr/lib/apt/apt-helper', ['auto-detect-proxy', mirror], {
    deadlineMs: 10_000,
  }).then(
    (text) => /Using proxy '([^']+)'/.exec(text)?.[1],
    () => undefined,
  )
  if (detected === undefined || detected === 'DIRECT') return settings
  return { ...settings, proxies: { ...settings.proxies, http_proxy: detected, HTTP_PROXY: detected } }
}

/** As `hostAptSettings`, from given text. */
export function parseAptSettings(dump: string, env: Readonly<Record<string, string | undefined>>): AptSettings {
  const proxies: Record<string, string> = {}
  const set = (name: string, value: string | undefined): void => {
    if (value === undefined || value === '' || value === 'DIRECT') return
    proxies[name] = value
    proxies[name.toUpperCase()] = value
  }
  for (const name of ['http_proxy', 'https_proxy', 'no_proxy']) set(name, env[name] ?? env[name.toUpperCase()])
  const kept: string[] = []
  for (const line of dump.split('\n')) {
    const [, name, value] = /^(\S+) "(.*)";$/.exec(line) ?? []
    if (name === undefined || value === undefined) continue
    if (/^Acquire::http::proxy$/i.test(name)) set('http_proxy', value)
    else if (/^Acquire::https::proxy$/i.test(name)) set('https_proxy', value)
    else if (carried.test(name) && value !== '') kept.push(line)
  }
  return { proxies, lines: kept.join('\n') }
}
