import {
  BinaryEvent,
  bufferOf,
  isStructured,
  structuredEvent,
  structuredMediaType,
  type WireMessage,
} from '@waybill/core/driver'
import type { Message, Options } from 'amqplib'
import { fieldText, timeOfSeconds } from './rabbitmq-field-text.ts'
import { headerKind, tombstoneHeader, unescapedHeaderName, wireHeaderName } from './rabbitmq-header-names.ts'

interface FieldTable {
  [name: string]: string | boolean | undefined
}

type Properties = { -readonly [name in keyof Options.Publish]: Options.Publish[name] | undefined }

const noBody = Buffer.alloc(0)
const maxKeptNames = 64

/**
 * Wire messages to amqplib's publish options: CloudEvents attributes as `ce-` headers, the application's headers under
 * their own names, and what other RabbitMQ clients look for as properties.
 *
 * One object serves all messages and holds good until the next call: amqplib encodes at once, and building its headers
 * anew for each message costs more than encoding them (6 µs against 2.3).
 */
export class PropertiesWriter {
  #headers = newTable()
  readonly #names = new Set<string>()
  readonly #properties: Properties = {
    headers: this.#headers,
    messageId: undefined,
    type: undefined,
    contentType: undefined,
    correlationId: undefined,
    deliveryMode: 2,
    mandatory: true,
  }

  write(message: WireMessage): Options.Publish {
    const { id, type, extensions, headers } = message
    const contentType = message.structured === undefined ? message.contentType : structuredMediaType
    this.#writeAttributes(message.structured === undefined ? message : inDocument)
    for (const name in headers) this.#set(wireHeaderName(name), headers[name])
    const properties = this.#properties
    properties.messageId = short(id)
    properties.type = short(type)
    properties.contentType = short(contentType)
    properties.correlationId = short(extensions['correlationid'])
    return properties as Options.Publish
  }

  #writeAttributes(message: WireMessage): void {
    const table = this.#table()
    const { contentType, extensions } = message
    table['ce-specversion'] = message === inDocument ? undefined : '1.0'
    table['ce-id'] = message.id
    table['ce-source'] = message.source
    table['ce-type'] = message.type
    table['ce-time'] = message.time
    table['ce-partitionkey'] = message.key
    table['ce-datacontenttype'] = fits(contentType) ? undefined : contentType
    table[tombstoneHeader] = message.body === undefined ? true : undefined
    for (const name in extensions) this.#set(`ce-${name}`, extensions[name])
  }

  #set(name: string, value: string | undefined): void {
    this.#headers[name] = value
    this.#names.add(name)
  }

  /** Empty but for the names of earlier messages, which amqplib skips; a new one when those become many. */
  #table(): FieldTable {
    if (this.#names.size === 0) return this.#headers
    if (this.#names.size <= maxKeptNames) for (const name of this.#names) this.#headers[name] = undefined
    else {
      this.#names.clear()
      this.#headers = newTable()
      this.#properties.headers = this.#headers
    }
    return this.#headers
  }
}

/** What is left to say in headers of an event that is one document. */
const inDocument: WireMessage = {
  id: undefined,
  source: undefined,
  type: undefined,
  time: undefined,
  contentType: undefined,
  extensions: {},
  key: undefined,
  headers: {},
  body: noBody,
}

function newTable(): FieldTable {
  return Object.create(null) as FieldTable
}

export function contentOf(message: Pick<WireMessage, 'body' | 'structured'>): Buffer {
  const body = message.structured ?? message.body
  return body === undefined ? noBody : bufferOf(body)
}

/** Properties are AMQP short strings: 255 bytes. What does not fit is in a header only. */
function short(value: string | undefined): string | undefined {
  return fits(value) ? value : undefined
}

function fits(value: string | undefined): boolean {
  return value === undefined || value.length < 64 || Buffer.byteLength(value) < 256
}

/**
 * What was received as a wire message, whoever sent it. Never throws: what cannot be read has `problem` and its bytes.
 *
 * Without `ce-` headers the properties speak: `messageId`, `type`, `timestamp`, `contentType`, `correlationId`.
 */
export function wireMessageOf({ content, properties }: Pick<Message, 'content' | 'properties'>): WireMessage {
  const event = eventIn(properties.headers)
  const contentType = event.contentType ?? textIn(properties.contentType)
  if (event.specversion === undefined && isStructured(contentType))
    return structuredEvent(contentType, content, event.headers)
  const { correlationId } = properties
  if (correlationId !== undefined && event.extensions['correlationid'] === undefined) {
    event.extend('correlationid', fieldText(correlationId))
  }
  const message = {
    id: event.id ?? textIn(properties.messageId),
    source: event.source,
    type: event.type ?? textIn(properties.type),
    time: event.time ?? timeOfSeconds(properties.timestamp),
    contentType,
    extensions: event.extensions,
    key: event.key,
    headers: event.headers,
    body: event.isTombstone && content.length === 0 ? undefined : content,
  }
  return event.problem === undefined ? message : { ...message, problem: event.problem }
}

function eventIn(table: { [name: string]: unknown } | undefined): BinaryEvent {
  const event = new BinaryEvent()
  if (table === undefined) return event
  for (const name of Object.keys(table)) take(event, name, table[name])
  // amqplib makes a table named `__proto__` the prototype of what it decodes into: it comes back as the header it was.
  const prototype: unknown = Object.getPrototypeOf(table)
  if (prototype !== Object.prototype && prototype !== null) event.addHeader('__proto__', fieldText(prototype))
  return event
}

function take(event: BinaryEvent, name: string, value: unknown): void {
  const text = typeof value === 'string' ? value : fieldText(value)
  switch (name) {
    case 'ce-specversion':
      event.setVersion(text)
      break
    case 'ce-id':
      event.id = text
      break
    case 'ce-source':
      event.source = text
      break
    case 'ce-type':
      event.type = text
      break
    case 'ce-time':
      event.time = text
      break
    case 'ce-partitionkey':
      event.key = text
      break
    case 'ce-datacontenttype':
      event.contentType = text
      break
    default:
      return takeOther(event, name, text, value)
  }
  if (typeof value === 'object') event.isNoText(name)
}

function takeOther(event: BinaryEvent, name: string, text: string, value: unknown): void {
  switch (headerKind(name)) {
    case 'application':
      return event.addHeader(writableName(name), text)
    case 'escaped':
      return event.addHeader(writableName(unescapedHeaderName(name)), text)
    case 'attribute':
      if (typeof value === 'object') event.isNoText(name)
      return event.extend(name.slice('ce-'.length), text)
    case 'tombstone':
      event.isTombstone = value === true
  }
}

/**
 * A name that can be written again, into a dead letter or a retry. Bytes that are no UTF-8 have become three times as
 * many each, and a name has 255 at most. Conformance: MSG-16.
 */
function writableName(name: string): string {
  return fits(name) ? name : name.replaceAll('\ufffd', '?')
}

function textIn(property: unknown): string | undefined {
  return property === undefined || property === null ? undefined : fieldText(property)
}

/** How often the broker delivered it, this time included; `undefined`: again, and the queue does not count. */
export function deliveriesOf({ fields, properties }: Pick<Message, 'fields' | 'properties'>): number | undefined {
  if (!fields.redelivered) return 1
  const before: unknown = properties.headers?.['x-delivery-count']
  return typeof before === 'number' ? before + 1 : undefined
}
