import { isUtf8 } from 'node:buffer'
import { createHash } from 'node:crypto'
import { structuredContentType, structuredEvent, type Headers, type WireMessage } from '@waybill/core/driver'
import type { HeaderReader, KafkaRecord } from './kafka-client.ts'
import {
  contentTypeHeader,
  groupHeader,
  headerKind,
  keyHeader,
  tombstoneHeader,
  unescapedHeaderName,
} from './kafka-header-names.ts'
import { HeaderWriter, type WireRecord } from './kafka-record.ts'
import { RepeatedText } from './kafka-repeated-text.ts'
import { bufferOf, textOfBytes } from './kafka-text.ts'

type Writable = { [name: string]: string }

const noBytes = Buffer.alloc(0)

/**
 * A wire message as the CloudEvents binding has it in binary mode: attributes in `ce_` headers, the ordering key as the
 * record's, a tombstone without a value; or in structured mode. `group`: for that group alone, of all that read the topic.
 */
export function recordOf(message: WireMessage, group?: string): WireRecord {
  const { key, structured } = message
  const body = structured ?? message.body
  const headers = new HeaderWriter(message)
  if (group !== undefined) headers.add(groupHeader, group)
  return headers.record(key === undefined ? null : Buffer.from(key), body === undefined ? null : bufferOf(body))
}

/**
 * The same for a compacted topic of dead letters, where the record's key says which letter it is, and a record without a
 * value removes one.
 */
export function deadLetterOf(message: WireMessage): WireRecord {
  const { key, body } = message
  const headers = new HeaderWriter(message)
  headers.add(keyHeader, key === undefined ? '' : `=${key}`)
  if (body === undefined) headers.add(tombstoneHeader, '')
  return headers.record(deadLetterKey(message), body === undefined ? noBytes : bufferOf(body))
}

/**
 * Which letter it is: the message's id and a digest of all there is in it, the failure record included. The same letter
 * sent twice is one letter; two messages of one id are two, and so is one that was redriven and failed again, which its
 * forerunner's removal must not take with it. Conformance: RDR-04.
 */
export function deadLetterKey(message: WireMessage): Buffer {
  const hash = createHash('sha256')
  const { id = '', source, type, time, contentType, key, extensions, headers, body } = message
  hash.update(JSON.stringify([source, type, time, contentType, key, body === undefined]))
  for (const texts of [extensions, headers]) hash.update(JSON.stringify(Object.entries(texts)))
  if (body !== undefined) hash.update(body)
  return Buffer.from(`${id}/${hash.digest('hex').slice(0, 32)}`)
}

/** As `wireMessageOf`; `undefined`: it is for another group of those that read the topic. */
export function wireMessageFor(group: string, record: Received): WireMessage | undefined {
  const read = new Reading(record)
  return read.addressee === undefined || read.addressee === group ? messageIn(read, record) : undefined
}

/** What the mapper needs of a record. */
export type Received = Pick<KafkaRecord, 'key' | 'value' | 'readHeaders'>

/**
 * What was received as a wire message, whoever sent it. Never throws: what cannot be read has `problem` and its bytes.
 *
 * Where a header came several times, the last counts.
 */
export function wireMessageOf(record: Received): WireMessage {
  return messageIn(new Reading(record), record)
}

function messageIn(read: Reading, { key, value }: Received): WireMessage {
  const recordKey = read.deadLetterKey === undefined ? textOfKey(key) : read.deadLetterKey.slice(1)
  const body = read.isTombstone && value?.byteLength === 0 ? undefined : (value ?? undefined)
  const { contentType } = read
  if (body !== undefined && isStructured(read))
    return withKey(structuredEvent(contentType!, body, read.headers), recordKey)
  const isKeyless = read.deadLetterKey === '' || recordKey === undefined
  const message = {
    id: read.id,
    source: read.source,
    type: read.type,
    time: read.time,
    contentType,
    extensions: read.extensions,
    key: isKeyless ? undefined : recordKey,
    headers: read.headers,
    body,
  }
  const whole = read.partitionKey === undefined ? message : withPartitionKey(message, read.partitionKey)
  return read.problem === undefined ? whole : { ...whole, problem: read.problem }
}

function textOfKey(key: Buffer | null): string | undefined {
  return key === null || key === undefined ? undefined : textOfBytes(key)
}

function isStructured({ specversion, contentType }: Reading): boolean {
  return specversion === undefined && contentType?.toLowerCase().startsWith(structuredContentType) === true
}

/** The record's key is what keeps order, whatever the event says. */
function withKey(message: WireMessage, key: string | undefined): WireMessage {
  return key === undefined ? message : { ...message, key }
}

/** An attribute that says what the record's key says, or stands in for it; one that says something else stays. */
function withPartitionKey(message: WireMessage, partitionKey: string): WireMessage {
  if (message.key === undefined) return { ...message, key: partitionKey }
  if (message.key === partitionKey) return message
  const extensions = Object.assign(Object.create(null), message.extensions, { partitionkey: partitionKey }) as Headers
  return { ...message, extensions }
}

/** What is the same in most messages of a channel, or of a moment. */
const repeated = {
  specversion: new RepeatedText(),
  source: new RepeatedText(),
  type: new RepeatedText(),
  time: new RepeatedText(),
  contentType: new RepeatedText(),
}

/** As text, which for what is none has U+FFFD in it. */
function textOfHeader(name: string, bytes: Buffer, begin: number, end: number): string {
  switch (name) {
    case 'ce_specversion':
      return repeated.specversion.read(bytes, begin, end)
    case 'ce_source':
      return repeated.source.read(bytes, begin, end)
    case 'ce_type':
      return repeated.type.read(bytes, begin, end)
    case 'ce_time':
      return repeated.time.read(bytes, begin, end)
    case contentTypeHeader:
      return repeated.contentType.read(bytes, begin, end)
    default:
      return bytes.toString('utf8', begin, end)
  }
}

const none: Writable = Object.freeze(Object.create(null) as Writable)

/** The headers of one record, sorted by whom they belong to. */
class Reading implements HeaderReader {
  specversion: string | undefined
  id: string | undefined
  source: string | undefined
  type: string | undefined
  time: string | undefined
  contentType: string | undefined
  partitionKey: string | undefined
  /** The only group that it is for. */
  addressee: string | undefined
  /** As in `keyHeader`. */
  deadLetterKey: string | undefined
  isTombstone = false
  problem: string | undefined
  /** Made when there is one: most messages have none. */
  extensions: Writable = none
  headers: Writable = none

  constructor(record: Pick<KafkaRecord, 'readHeaders'>) {
    try {
      record.readHeaders(this)
    } catch {
      this.problem = 'the headers contradict themselves'
    }
  }

  takeHeader(name: string, bytes: Buffer, begin: number, end: number): void {
    const text = end < begin ? '' : textOfHeader(name, bytes, begin, end)
    if (text.includes('\ufffd') && !isUtf8(bytes.subarray(begin, end)))
      return this.#takeBytes(name, bytes.subarray(begin, end))
    switch (name) {
      case 'ce_specversion':
        this.specversion = text
        if (text !== '1.0') this.problem ??= 'CloudEvents specversion is not "1.0"'
        return
      case 'ce_id':
        this.id = text
        return
      case 'ce_source':
        this.source = text
        return
      case 'ce_type':
        this.type = text
        return
      case 'ce_time':
        this.time = text
        return
      case 'ce_partitionkey':
        this.partitionKey = text
        return
      case contentTypeHeader:
        this.contentType = text
        return
      default:
        return this.#takeOther(name, text)
    }
  }

  #takeOther(name: string, text: string): void {
    switch (headerKind(name)) {
      case 'application':
        return this.#header(name, text)
      case 'escaped':
        return this.#header(unescapedHeaderName(name), text)
      case 'attribute':
        return this.#extend(name.slice('ce_'.length), text)
      case 'own':
        if (name === keyHeader) this.deadLetterKey = text
        else if (name === groupHeader) this.addressee = text
        else if (name === tombstoneHeader) this.isTombstone = true
    }
  }

  /** What is no text: a header can have it, as base64, and an attribute cannot. */
  #takeBytes(name: string, bytes: Buffer): void {
    if (headerKind(name) === 'attribute') this.problem ??= `the header ${name} holds no text`
    else this.#takeOther(name, bytes.toString('base64'))
  }

  /** `datacontenttype` stands in a header of its own. */
  #extend(name: string, text: string): void {
    if (name === 'datacontenttype') {
      this.contentType ??= text
      return
    }
    if (this.extensions === none) this.extensions = Object.create(null) as Writable
    this.extensions[name] = text
  }

  #header(name: string, text: string): void {
    if (this.headers === none) this.headers = Object.create(null) as Writable
    this.headers[name] = text
  }
}
