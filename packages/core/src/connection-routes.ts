import type { Configuration } from './configuration.ts'
import type { ResolvedSetting } from './driver/adapter-module.ts'
import type { Driver } from './driver/driver.ts'
import { hintFor } from './driver/nearest-name.ts'
import { MessagingError } from './messaging-error.ts'
import { isRecord, resolveSettings, type Environment } from './settings.ts'

/** What a connection is made from: a URL, a driver, or an adapter's name with its settings. */
export type ConnectionSource =
  | string
  | Driver
  | { readonly driver: string; readonly settings: { readonly [option: string]: ResolvedSetting } }

/** How one channel is found. */
export interface ChannelRoute {
  /** The name of the connection that serves it. */
  readonly connection: string
  readonly provision: 'create' | 'verify' | 'none'
  readonly contentMode: 'binary' | 'structured'
  readonly address?: string
  /** By group name; null prototype. */
  readonly groups: { readonly [group: string]: { readonly address?: string; readonly deadLetterAddress?: string } }
  /** The adapter's own settings for what it makes; null prototype. */
  readonly settings: { readonly [option: string]: ResolvedSetting }
}

export interface ResolvedConfiguration {
  readonly connections: ReadonlyMap<string, ConnectionSource>
  /** @throws MessagingError `invalidArgument` when no pattern covers the channel. */
  routeOf(channel: string): ChannelRoute
}

const defaultName = 'default'
const provisions = ['create', 'verify', 'none']
const contentModes = ['binary', 'structured']

/**
 * Reads what `connect` was given. A URL or a driver becomes one connection named `default`, for all channels; so does a
 * configuration of one connection without `channels`, under its own name.
 *
 * The exact name beats every prefix, a longer prefix a shorter one; nothing is merged. `{ env }` is read from `env`.
 *
 * @throws MessagingError `invalidArgument`, at once, on whatever is not understood: an unknown or misspelt option, an
 * unknown connection, a missing environment variable (by name, never a value), a value of the wrong kind.
 */
export function resolveConfiguration(target: string | Driver | Configuration, env: Environment): ResolvedConfiguration {
  if (typeof target === 'string' || isDriver(target)) return single(defaultName, checkUrl(defaultName, target))
  if (!isRecord(target))
    throw invalid(`connect: expected a URL, a driver or { connections, channels }${kindOf(target)}`)
  checkOptions('configuration', target, ['connections', 'channels'])
  const connections = readConnections(target['connections'], env)
  const [only] = connections.keys()
  const { channels } = target
  if (channels === undefined) {
    return connections.size === 1 && only !== undefined
      ? { connections, routeOf: always(plainRoute(only)) }
      : { connections, routeOf: router(new Map()) }
  }
  return { connections, routeOf: router(readChannels(channels, [...connections.keys()], env)) }
}

function single(name: string, source: ConnectionSource): ResolvedConfiguration {
  return { connections: new Map([[name, source]]), routeOf: always(plainRoute(name)) }
}

function always(route: ChannelRoute): () => ChannelRoute {
  return () => route
}

function plainRoute(connection: string): ChannelRoute {
  return { connection, provision: 'create', contentMode: 'binary', groups: empty(), settings: empty() }
}

function router(routes: ReadonlyMap<string, ChannelRoute>): (channel: string) => ChannelRoute {
  const prefixes = [...routes.keys()].filter((pattern) => pattern.endsWith('*')).sort((a, b) => b.length - a.length)
  return (channel) => {
    const prefix = prefixes.find((pattern) => channel.startsWith(pattern.slice(0, -1)))
    const route = routes.get(channel) ?? (prefix === undefined ? undefined : routes.get(prefix))
    if (route === undefined) throw unrouted(channel)
    return route
  }
}

function unrouted(channel: string): MessagingError {
  return new MessagingError(
    'invalidArgument',
    `channel "${channel}" is assigned to no connection; add "${channel}", a prefix such as "${prefixOf(channel)}", ` +
      `or "*" to the configuration's channels`,
    { channel },
  )
}

function prefixOf(channel: string): string {
  const dot = channel.indexOf('.')
  return dot < 0 ? `${channel}*` : `${channel.slice(0, dot)}.*`
}

function readConnections(value: unknown, env: Environment): Map<string, ConnectionSource> {
  const what = 'configuration: connections'
  if (!isRecord(value)) throw invalid(`${what} must be a record of connections by name${kindOf(value)}`)
  const names = Object.keys(value)
  if (names.length === 0) throw invalid(`${what} is empty; add one, such as { main: 'amqp://localhost' }`)
  return new Map(names.map((name) => [checkOwnName(what, name), readConnection(name, value[name], env)]))
}

function readConnection(name: string, value: unknown, env: Environment): ConnectionSource {
  if (typeof value === 'string' || isDriver(value)) return checkUrl(name, value)
  const what = `connection "${name}"`
  if (!isRecord(value)) {
    throw invalid(`${what} must be a URL, a driver or a record with \`driver\`${kindOf(value)}`)
  }
  const { driver, ...options } = value
  if (typeof driver !== 'string' || driver === '') {
    throw invalid(`${what}: \`driver\` must name an adapter, such as { driver: 'rabbitmq', url: { env: 'AMQP_URL' } }`)
  }
  return { driver, settings: resolveSettings(what, options, env) }
}

function checkUrl<T extends string | Driver>(name: string, source: T): T {
  if (source === '') throw invalid(`connection "${name}": the URL is empty; give one, such as "amqp://localhost"`)
  return source
}

function readChannels(value: unknown, connections: string[], env: Environment): Map<string, ChannelRoute> {
  const what = 'configuration: channels'
  if (!isRecord(value)) throw invalid(`${what} must be a record by channel name or prefix${kindOf(value)}`)
  const routes = new Map<string, ChannelRoute>()
  for (const pattern of Object.keys(value)) {
    checkPattern(what, pattern)
    routes.set(pattern, readChannel(pattern, value[pattern], connections, env))
  }
  return routes
}

function checkPattern(what: string, pattern: string): void {
  checkOwnName(what, pattern)
  const star = pattern.indexOf('*')
  if (star < 0 || star === pattern.length - 1) return
  throw invalid(`${what}: "${pattern}" is neither a channel name nor a prefix; the only "*" stands at the end`)
}

function readChannel(pattern: string, value: unknown, connections: string[], env: Environment): ChannelRoute {
  const what = `channel "${pattern}"`
  if (typeof value === 'string') return plainRoute(knownConnection(what, value, connections))
  if (!isRecord(value)) throw invalid(`${what} must be a connection's name or a record${kindOf(value)}`)
  checkOptions(what, value, ['connection', 'provision', 'contentMode', 'address', 'groups', 'topology'])
  const { connection, provision = 'create', contentMode = 'binary', groups = {}, topology = {} } = value
  if (!isRecord(groups)) throw invalid(`${what}: groups must be a record by group name${kindOf(groups)}`)
  if (!isRecord(topology)) throw invalid(`${what}: topology must be a record${kindOf(topology)}`)
  const address = readAddress(what, value, 'address')
  if (pattern.endsWith('*') && (address.address !== undefined || Object.keys(groups).length > 0)) {
    throw invalid(`${what}: one address cannot serve every channel of a prefix; name each such channel`)
  }
  return {
    connection: knownConnection(what, connection, connections),
    provision: readChoice(`${what}: provision`, provision, provisions) as ChannelRoute['provision'],
    contentMode: readChoice(`${what}: contentMode`, contentMode, contentModes) as ChannelRoute['contentMode'],
    ...address,
    groups: readGroups(what, groups),
    settings: resolveSettings(`${what}: topology`, topology, env),
  }
}

function knownConnection(what: string, name: unknown, connections: string[]): string {
  if (typeof name !== 'string') throw invalid(`${what}: \`connection\` must be one of ${quoted(connections)}`)
  if (connections.includes(name)) return name
  throw invalid(`${what}: unknown connection "${name}": ${hintFor(name, connections)}`)
}

function readChoice(what: string, value: unknown, choices: readonly string[]): string {
  if (typeof value === 'string' && choices.includes(value)) return value
  throw invalid(`${what} must be one of ${quoted(choices)}`)
}

function readGroups(what: string, groups: Record<string, unknown>): ChannelRoute['groups'] {
  const read = empty<{ address?: string; deadLetterAddress?: string }>()
  for (const name of Object.keys(groups)) {
    const about = `${what}: group "${name}"`
    const value = groups[name]
    if (!isRecord(value)) throw invalid(`${about} must be a record${kindOf(value)}`)
    checkOptions(about, value, ['address', 'deadLetterAddress'])
    read[name] = { ...readAddress(about, value, 'address'), ...readAddress(about, value, 'deadLetterAddress') }
  }
  return read
}

function readAddress<N extends string>(what: string, value: Record<string, unknown>, name: N): { [K in N]?: string } {
  const address = value[name]
  if (address === undefined) return {}
  if (typeof address === 'string' && address !== '') return { [name]: address } as { [K in N]: string }
  throw invalid(`${what}: ${name} must be the name of an existing entity of the broker`)
}

function checkOptions(what: string, value: Record<string, unknown>, known: readonly string[]): void {
  const unknown = Object.keys(value).find((name) => !known.includes(name))
  if (unknown !== undefined) throw invalid(`${what}: unknown option "${unknown}": ${hintFor(unknown, known)}`)
}

function checkOwnName(what: string, name: string): string {
  if (name === '') throw invalid(`${what}: a name is empty; give it one`)
  if (name in Object.prototype) throw invalid(`${what}: "${name}" cannot be a name; choose another`)
  return name
}

/** Enough to tell a driver from a record; the loader checks the rest. */
function isDriver(value: unknown): value is Driver {
  return typeof value === 'object' && value !== null && typeof (value as Driver).connect === 'function'
}

function empty<T>(): Record<string, T> {
  return Object.create(null) as Record<string, T>
}

function quoted(names: readonly string[]): string {
  return names.map((name) => `"${name}"`).join(', ')
}

/** What was found instead: its kind, not its value, which may be secret. */
function kindOf(value: unknown): string {
  return `, not ${value === null ? 'null' : Array.isArray(value) ? 'an array' : typeof value}`
}

function invalid(what: string): MessagingError {
  return new MessagingError('invalidArgument', what)
}
