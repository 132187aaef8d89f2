import type { ChannelDefinition, Contract } from './channel.ts'
import { headersOf, newHeaders, noHeaders } from './driver/header-table.ts'
import type { Headers, WireMessage } from './driver/wire-message.ts'
import { checkEnvelope } from './envelope-size.ts'
import { checkHeaders, checkId, checkKey } from './header-checks.ts'
import { MessagingError } from './messaging-error.ts'
import type { SendOptions } from './producer.ts'
import type { Runtime } from './runtime.ts'
import type { StandardSchemaV1 } from './standard-schema.ts'
import { createIdSource } from './uuid.ts'

export interface EncoderLimits {
  readonly maxBodyBytes: number
  readonly maxHeaderBytes: number
  readonly maxHeaders?: number
}

/** What the core adds to a send that the application cannot. */
export interface EncodeExtras {
  readonly headers?: Headers
}

/** Application values to wire messages. Synchronous unless the schema or the codec is not. Conformance: MSG-01 to MSG-05. */
export class MessageEncoder {
  readonly #source: string
  readonly #runtime: Runtime
  readonly #nextId: (nowMs: number) => string
  #timeMs = -1
  #time = ''

  constructor(source: string, runtime: Runtime) {
    this.#source = source
    this.#runtime = runtime
    this.#nextId = createIdSource(runtime)
  }

  /**
   * @throws MessagingError `invalidArgument` on data, headers, key or id that cannot be sent, `tooLarge` past the limits.
   */
  encode(
    channel: ChannelDefinition,
    data: unknown,
    options: SendOptions | undefined,
    limits: EncoderLimits,
    extras?: EncodeExtras,
  ): WireMessage | Promise<WireMessage> {
    let type = channel.type
    let value = data
    if (channel.several) {
      const typed = data as { type?: unknown; data?: unknown } | null | undefined
      if (typeof typed?.type !== 'string') throw refused(channel, 'expected { type, data }')
      type = typed.type
      value = typed.data
    }
    const contract = channel.contracts.get(type)
    if (contract === undefined)
      throw refused(channel, `unknown type ${JSON.stringify(type)}; there are ${known(channel)}`)
    const checked = validate(contract.send, value, channel)
    const about = { channel, contract, type, options, limits, extras }
    return checked instanceof Promise
      ? checked.then((output) => this.#encodeBody(about, output))
      : this.#encodeBody(about, checked)
  }

  #encodeBody(about: Encoding, value: unknown): WireMessage | Promise<WireMessage> {
    const { channel, contract, type, options } = about
    let key = options?.key
    if (key === undefined && channel.key !== undefined) {
      key = callKey(channel, channel.several ? { type, data: value } : value)
    }
    if (key !== undefined) checkKey(key)
    const body = encodeWith(contract, value, channel)
    return body instanceof Promise
      ? body.then((encoded) => this.#finish(about, key, encoded))
      : this.#finish(about, key, body)
  }

  #finish(about: Encoding, key: string | undefined, body: Uint8Array | undefined): WireMessage {
    const { channel, contract, type, options, limits, extras } = about
    if (body !== undefined && body.byteLength > limits.maxBodyBytes) throw tooLarge(channel, body, limits)
    const nowMs = this.#runtime.clock.now()
    let headers = options?.headers === undefined ? noHeaders : checkHeaders(options.headers, limits, channel.name)
    if (extras?.headers !== undefined) headers = headersOf(headers, extras.headers)
    let id = options?.id
    if (id === undefined) id = this.#nextId(nowMs)
    else checkId(id)
    const message = {
      id,
      source: this.#source,
      type,
      time: this.#timeOf(nowMs),
      contentType: body === undefined ? undefined : contract.codec.contentType,
      extensions: options === undefined ? noHeaders : extensionsOf(options, nowMs),
      key,
      headers,
      body,
    }
    checkEnvelope(message, limits, channel.name)
    return message
  }

  /** RFC 3339, computed once per millisecond. */
  #timeOf(nowMs: number): string {
    if (nowMs !== this.#timeMs) {
      this.#timeMs = nowMs
      this.#time = new Date(nowMs).toISOString()
    }
    return this.#time
  }
}

interface Encoding {
  readonly channel: ChannelDefinition
  readonly contract: Contract
  readonly type: string
  readonly options: SendOptions | undefined
  readonly limits: EncoderLimits
  readonly extras: EncodeExtras | undefined
}

/** @throws MessagingError `invalidArgument` with the issues and their paths. */
export function validate(schema: StandardSchemaV1 | undefined, value: unknown, channel: ChannelDefinition): unknown {
  if (schema === undefined) return value
  const result = schema['~standard'].validate(value)
  return result instanceof Promise ? result.then((settled) => outputOf(settled, channel)) : outputOf(result, channel)
}

function outputOf(result: StandardSchemaV1.Result<unknown>, channel: ChannelDefinition): unknown {
  if (result.issues === undefined) return result.value
  throw refused(channel, `the data does not fit the schema: ${describeIssues(result.issues)}`)
}

/** `totalCents: expected number; currency: required`. Says where, never the value, which may be secret. */
export function describeIssues(issues: readonly StandardSchemaV1.Issue[]): string {
  const shown = issues.slice(0, 5).map(({ message, path }) => {
    const place = (path ?? []).map((part) => String(typeof part === 'object' ? part.key : part)).join('.')
    return place === '' ? message : `${place}: ${message}`
  })
  if (issues.length > shown.length) shown.push(`and ${issues.length - shown.length} more`)
  return shown.join('; ')
}

function encodeWith(
  contract: Contract,
  value: unknown,
  channel: ChannelDefinition,
): Uint8Array | undefined | Promise<Uint8Array | undefined> {
  let body: Uint8Array | undefined | Promise<Uint8Array | undefined>
  try {
    body = contract.codec.encode(value)
  } catch (error) {
    throw cannotEncode(channel, contract, error)
  }
  if (body instanceof Promise) {
    return body.then(
      (encoded) => checkBody(channel, contract, encoded),
      (error: unknown) => {
        throw cannotEncode(channel, contract, error)
      },
    )
  }
  return checkBody(channel, contract, body)
}

function checkBody(channel: ChannelDefinition, contract: Contract, body: unknown): Uint8Array | undefined {
  if (body === undefined || body instanceof Uint8Array) return body
  throw refused(channel, `its codec (${contract.codec.contentType}) gave no bytes but a ${typeof body}`)
}

function cannotEncode(channel: ChannelDefinition, contract: Contract, cause: unknown): MessagingError {
  const why = cause instanceof Error ? cause.message : String(cause)
  return new MessagingError(
    'invalidArgument',
    `cannot send to "${channel.name}": ${contract.codec.contentType} cannot carry the data: ${why}`,
    { cause, channel: channel.name },
  )
}

function callKey(channel: ChannelDefinition, data: unknown): string {
  const key: unknown = channel.key!(data)
  if (typeof key !== 'string') throw refused(channel, `its key function gave ${typeof key}, not a string`)
  return key
}

function extensionsOf(options: SendOptions, nowMs: number): Headers {
  const { correlationId, expiresInMs } = options
  if (correlationId === undefined && expiresInMs === undefined) return noHeaders
  const extensions = newHeaders()
  if (correlationId !== undefined) {
    checkId(correlationId)
    extensions['correlationid'] = correlationId
  }
  if (expiresInMs !== undefined) {
    if (!(Number.isInteger(expiresInMs) && expiresInMs >= 0)) {
      throw new MessagingError(
        'invalidArgument',
        `expiresInMs must be a whole number of milliseconds of at least 0, not ${expiresInMs}`,
      )
    }
    extensions['expirytime'] = new Date(nowMs + expiresInMs).toISOString()
  }
  return extensions
}

function tooLarge(channel: ChannelDefinition, body: Uint8Array, limits: EncoderLimits): MessagingError {
  return new MessagingError(
    'tooLarge',
    `cannot send to "${channel.name}": the body has ${body.byteLength} bytes and the broker takes ${limits.maxBodyBytes}; store it elsewhere and send where it is`,
    { channel: channel.name },
  )
}

function known(channel: ChannelDefinition): string {
  return [...channel.contracts.keys()].join(', ')
}

function refused(channel: ChannelDefinition, what: string): MessagingError {
  return new MessagingError('invalidArgument', `cannot send to "${channel.name}": ${what}`, { channel: channel.name })
}
