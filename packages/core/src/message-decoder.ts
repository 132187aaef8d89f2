import type { ChannelDefinition, Contract } from './channel.ts'
import type { BodyDescription } from './codec.ts'
import { applicationHeaders } from './core-headers.ts'
import type { Delivery } from './driver/driver.ts'
import type { WireMessage } from './driver/wire-message.ts'
import type { Message, MessageHeaders } from './message.ts'
import { describeIssues } from './message-encoder.ts'
import { MessagingError } from './messaging-error.ts'
import { nativeDelivery } from './native.ts'
import type { StandardSchemaV1 } from './standard-schema.ts'

/** The message as a handler sees it. Dates and header copies are made when looked at. */
export class ReceivedMessage implements Message<unknown> {
  readonly wire: WireMessage
  readonly id: string
  readonly type: string
  readonly source: string
  readonly data: unknown
  readonly [nativeDelivery]: Delivery
  #headers: MessageHeaders | undefined

  constructor(delivery: Delivery, id: string, { type, data }: Pick<Decoded, 'type' | 'data'>, channel: string) {
    this.wire = delivery.message
    this[nativeDelivery] = delivery
    this.id = id
    this.type = type
    this.source = delivery.message.source ?? `/${channel}`
    this.data = data
  }

  get key(): string | undefined {
    return this.wire.key
  }

  get time(): Date | undefined {
    const { time } = this.wire
    if (time === undefined) return undefined
    const parsed = new Date(time)
    return Number.isNaN(parsed.getTime()) ? undefined : parsed
  }

  get correlationId(): string | undefined {
    return this.wire.extensions['correlationid']
  }

  get headers(): MessageHeaders {
    return (this.#headers ??= applicationHeaders(this.wire.headers))
  }
}

/** The type by which a handler is chosen, and the validated data. */
export interface Decoded {
  readonly type: string
  readonly data: unknown
  /** False: a type that the channel does not know; `data` is what the codec gave, unchecked. */
  readonly known: boolean
}

/**
 * Wire message to data. Synchronous unless the schema or the codec is not.
 *
 * @throws MessagingError `decodeFailed`, saying what did not fit but not the value. Conformance: MSG-11, MSG-13.
 */
export function decode(channel: ChannelDefinition, wire: WireMessage): Decoded | Promise<Decoded> {
  if (wire.problem !== undefined) throw failed(channel, `its envelope cannot be read: ${wire.problem}`)
  if (!channel.several) {
    const contract = channel.contracts.get(channel.type)!
    return decodeBody(channel, contract, wire, wire.type ?? channel.type)
  }
  const contract = wire.type === undefined ? undefined : channel.contracts.get(wire.type)
  if (contract !== undefined) return decodeBody(channel, contract, wire, wire.type!)
  return decodeUntyped(channel, wire)
}

/** Of several types, one that the envelope does not tell: ask the body. */
function decodeUntyped(channel: ChannelDefinition, wire: WireMessage): Decoded | Promise<Decoded> {
  const [first] = channel.contracts.values()
  const value = decodeWith(channel, first!, wire, wire.type ?? channel.type)
  return value instanceof Promise ? value.then((given) => byValue(channel, wire, given)) : byValue(channel, wire, value)
}

function byValue(channel: ChannelDefinition, wire: WireMessage, value: unknown): Decoded | Promise<Decoded> {
  const type = channel.typeOf === undefined ? wire.type : channel.typeOf(value, applicationHeaders(wire.headers))
  const contract = type === undefined ? undefined : channel.contracts.get(type)
  if (contract !== undefined) return decodeBody(channel, contract, wire, type!)
  return { type: type ?? '', data: value, known: false }
}

function decodeBody(
  channel: ChannelDefinition,
  contract: Contract,
  wire: WireMessage,
  type: string,
): Decoded | Promise<Decoded> {
  const value = decodeWith(channel, contract, wire, type)
  return value instanceof Promise
    ? value.then((given) => check(channel, contract.receive, given, type))
    : check(channel, contract.receive, value, type)
}

/** What a codec may ask; headers are filtered when it does. */
class WireDescription implements BodyDescription {
  readonly type: string
  readonly contentType: string
  readonly #wire: WireMessage

  constructor(wire: WireMessage, type: string, contentType: string) {
    this.#wire = wire
    this.type = type
    this.contentType = contentType
  }

  get headers(): MessageHeaders {
    return applicationHeaders(this.#wire.headers)
  }
}

function decodeWith(channel: ChannelDefinition, contract: Contract, wire: WireMessage, type: string): unknown {
  const about = new WireDescription(wire, type, wire.contentType ?? contract.codec.contentType)
  let value: unknown
  try {
    value = contract.codec.decode(wire.body, about)
  } catch (error) {
    throw undecodable(channel, contract, error)
  }
  if (!(value instanceof Promise)) return value
  return value.catch((error: unknown) => {
    throw undecodable(channel, contract, error)
  })
}

function check(
  channel: ChannelDefinition,
  schema: StandardSchemaV1 | undefined,
  value: unknown,
  type: string,
): Decoded | Promise<Decoded> {
  if (schema === undefined) return { type, data: value, known: true }
  const result = schema['~standard'].validate(value)
  return result instanceof Promise
    ? result.then((settled) => accepted(channel, settled, type))
    : accepted(channel, result, type)
}

function accepted(channel: ChannelDefinition, result: StandardSchemaV1.Result<unknown>, type: string): Decoded {
  if (result.issues === undefined) return { type, data: result.value, known: true }
  throw failed(channel, `it does not fit the schema: ${describeIssues(result.issues)}`)
}

function undecodable(channel: ChannelDefinition, contract: Contract, cause: unknown): MessagingError {
  const why = cause instanceof Error ? cause.message : String(cause)
  return failed(channel, `its body is not ${contract.codec.contentType}: ${why}`, cause)
}

function failed(channel: ChannelDefinition, what: string, cause?: unknown): MessagingError {
  return new MessagingError('decodeFailed', `cannot read a message on "${channel.name}": ${what}`, {
    channel: channel.name,
    ...(cause === undefined ? {} : { cause }),
  })
}
