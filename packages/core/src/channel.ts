import type { ChannelOptions, ChannelTypes, MessageSchema, TypesOf } from './channel-types.ts'
import { json, isCodec, type Codec } from './codec.ts'
import type { MessageHeaders } from './message.ts'
import { MessagingError } from './messaging-error.ts'
import type { StandardSchemaV1 } from './standard-schema.ts'

/** A named destination: its types, its key, its groups. Holds no connection; share it between processes as code. */
export interface Channel<T extends ChannelTypes = any> {
  readonly name: string
  /** For the compiler only; not there at run time. A string, so that two installed copies of the core agree. */
  readonly '~types': T
  /** The same channel, with groups that its owner does not know of. */
  withGroups<const G extends string>(
    ...groups: G[]
  ): Channel<Omit<T, 'group'> & { group: T['group'] | G } & ChannelTypes>
}

export type Received<C extends Channel> = C['~types']['message']['data']
export type Sent<C extends Channel> = C['~types']['send']

/** How values of one type get on and off the wire. */
export interface Contract {
  readonly send: StandardSchemaV1 | undefined
  readonly receive: StandardSchemaV1 | undefined
  readonly codec: Codec<unknown>
}

/** What a channel is at run time. */
export interface ChannelDefinition {
  readonly name: string
  /** One entry, under `type`, unless `several`. */
  readonly contracts: ReadonlyMap<string, Contract>
  readonly several: boolean
  readonly type: string
  readonly typeOf: ((value: unknown, headers: MessageHeaders) => string) | undefined
  readonly key: ((data: any) => string) | undefined
  readonly keyed: boolean
  readonly groups: readonly string[]
  readonly reply: Contract | undefined
}

const brand = Symbol.for('waybill.channel')
const knownOptions = ['schema', 'messages', 'reply', 'type', 'typeOf', 'key', 'ordering', 'codec', 'groups']

/**
 * Declares a channel.
 *
 * @throws MessagingError `invalidArgument` on a bad name, unknown option, duplicate group, or a schema that is none.
 */
export function channel<
  S extends MessageSchema = never,
  const G extends string = never,
  M extends Record<string, MessageSchema> = never,
  R extends MessageSchema = never,
  C extends Codec<any> | undefined = undefined,
>(name: string, options: ChannelOptions<S, G, M, R, C>): Channel<TypesOf<S, M, R, G>> {
  return wrap(define(name, options as unknown as UncheckedOptions)) as Channel<TypesOf<S, M, R, G>>
}

/** @throws MessagingError `invalidArgument` when `channel` was not made by `channel()`. */
export function definitionOf(channel: Channel): ChannelDefinition {
  const definition = (channel as { [brand]?: ChannelDefinition } | null | undefined)?.[brand]
  if (definition === undefined) {
    throw new MessagingError('invalidArgument', `expected a channel made by channel(), got ${describe(channel)}`)
  }
  return definition
}

function wrap(definition: ChannelDefinition): Channel {
  const made = {
    name: definition.name,
    withGroups: (...groups: string[]) => {
      checkGroups(definition.name, groups)
      return wrap({ ...definition, groups: [...new Set([...definition.groups, ...groups])] })
    },
  }
  Object.defineProperty(made, brand, { value: definition })
  return made as unknown as Channel
}

interface UncheckedOptions {
  readonly schema?: unknown
  readonly messages?: { readonly [type: string]: unknown }
  readonly reply?: unknown
  readonly type?: string
  readonly typeOf?: (value: unknown, headers: MessageHeaders) => string
  readonly key?: (data: unknown) => string
  readonly ordering?: 'key'
  readonly codec?: unknown
  readonly groups: readonly string[]
}

function define(name: string, options: UncheckedOptions): ChannelDefinition {
  checkName('channel', name)
  for (const option of Object.keys(options)) {
    if (!knownOptions.includes(option)) refuse(name, `unknown option "${option}"; there are ${knownOptions.join(', ')}`)
  }
  const { schema, messages, key, ordering } = options
  if ((schema === undefined) === (messages === undefined)) refuse(name, 'give either schema or messages')
  if (ordering !== undefined && ordering !== 'key')
    refuse(name, `ordering can only be 'key', not ${describe(ordering)}`)
  if (ordering === 'key' && key === undefined) refuse(name, `ordering: 'key' needs a key function`)
  if (!Array.isArray(options.groups)) refuse(name, 'groups is required; [] for broadcast only')
  checkGroups(name, options.groups)
  const codec = options.codec ?? json
  if (!isCodec(codec)) refuse(name, 'codec must have contentType, encode and decode')
  const type = options.type ?? name
  const contracts = new Map<string, Contract>()
  if (messages === undefined) contracts.set(type, contractOf(name, schema, codec))
  else for (const each of Object.keys(messages)) contracts.set(each, contractOf(name, messages[each], codec))
  return {
    name,
    contracts,
    several: messages !== undefined,
    type,
    typeOf: options.typeOf,
    key,
    keyed: ordering === 'key',
    groups: [...options.groups],
    reply: options.reply === undefined ? undefined : contractOf(name, options.reply, codec),
  }
}

function contractOf(name: string, schema: unknown, codec: Codec<unknown>): Contract {
  if (isSchema(schema)) return { send: schema, receive: schema, codec }
  if (isCodec(schema)) return { send: undefined, receive: undefined, codec: schema }
  const sides = schema as { send?: unknown; receive?: unknown } | null | undefined
  if (isSchema(sides?.send) && isSchema(sides.receive)) return { send: sides.send, receive: sides.receive, codec }
  refuse(
    name,
    `expected a Standard Schema (zod, valibot, arktype), { send, receive } or a codec, got ${describe(schema)}`,
  )
}

function isSchema(value: unknown): value is StandardSchemaV1 {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return false
  const standard = (value as Partial<StandardSchemaV1>)['~standard']
  return standard?.version === 1 && typeof standard.validate === 'function'
}

function checkGroups(name: string, groups: readonly string[]): void {
  for (const group of groups) checkName('group', group)
  const twice = groups.find((group, index) => groups.indexOf(group) !== index)
  if (twice !== undefined) refuse(name, `group "${twice}" is named twice`)
}

const namePattern = /^[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_])?$/

/** Letters, digits, `_`, `.` and `-`, beginning and ending with a letter, digit or `_`. Conformance: TOP-12. */
export function checkName(what: 'channel' | 'group', name: unknown): asserts name is string {
  if (typeof name === 'string' && name.length <= 200 && namePattern.test(name) && !name.includes('..')) return
  throw new MessagingError(
    'invalidArgument',
    `${what} name ${describe(name)}: use letters, digits, "_", "." and "-" (at most 200, no "..", beginning and ending with a letter, digit or "_")`,
  )
}

function refuse(name: string, what: string): never {
  throw new MessagingError('invalidArgument', `channel "${name}": ${what}`, { channel: name })
}

function describe(value: unknown): string {
  return typeof value === 'string' ? JSON.stringify(value.slice(0, 80)) : value === null ? 'null' : typeof value
}
