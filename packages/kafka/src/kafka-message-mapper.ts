import { createHash } from 'node:crypto'
import { structuredContentType, structuredEvent, type Headers, type WireMessage } from '@waybill/core/driver'
import type { KafkaRecord, NewRecord } from './kafka-client.ts'
import {
  contentTypeHeader,
  groupHeader,
  headerKind,
  keyHeader,
  tombstoneHeader,
  unescapedHeaderName,
  wireHeaderName,
} from './kafka-header-names.ts'
import { bufferOf, lastBytes, textOfBytes } from './kafka-text.ts'

/** A record that has no partition yet. */
export type WireRecord = Omit<NewRecord, 'partition'>

type Writable = { [name: string]: string }

const noBytes = Buffer.alloc(0)

/**
 * A wire message as the CloudEvents binding has it in binary mode: attributes in `ce_` headers, the ordering key as the
 * record's, a tombstone without a value. `group`: for that group alone, of all that read the topic.
 */
export function recordOf(message: WireMessage, group?: string): WireRecord {
  const { key, body } = message
  const headers = headersOf(message)
  if (group !== undefined) headers[groupHeader] = group
  return {
    key: key === undefined ? null : Buffer.from(key),
    value: body === undefined ? null : bufferOf(body),
    headers,
  }
}

/**
 * The same for a compacted topic of dead letters, where the record's key says which letter it is, and a record without a
 * value removes one.
 */
export function deadLetterOf(message: WireMessage): WireRecord {
  const { key, body } = message
  const headers = headersOf(message)
  headers[keyHeader] = key === undefined ? '' : `=${key}`
  if (body === undefined) headers[tombstoneHeader] = ''
  return { key: deadLetterKey(message), value: body === undefined ? noBytes : bufferOf(body), headers }
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

function headersOf(message: WireMessage): Writable {
  const table = Object.create(null) as Writable
  const { id, source, type, time, contentType, extensions, headers } = message
  table['ce_specversion'] = '1.0'
  if (id !== undefined) table['ce_id'] = id
  if (source !== undefined) table['ce_source'] = source
  if (type !== undefined) table['ce_type'] = type
  if (time !== undefined) table['ce_time'] = time
  if (contentType !== undefined) table[contentTypeHeader] = contentType
  for (const name in extensions) table[`ce_${name}`] = extensions[name]!
  for (const name in headers) table[wireHeaderName(name)] = headers[name]!
  return table
}

/** The group that a record is for; `undefined`: all that read its topic. */
export function addresseeOf({ headers }: Pick<KafkaRecord, 'headers'>): string | undefined {
  if (headers === undefined || !Object.hasOwn(headers, groupHeader)) return undefined
  const bytes = lastBytes(headers[groupHeader])
  return bytes === undefined ? undefined : textOfBytes(bytes)
}

/**
 * What was received as a wire message, whoever sent it. Never throws: what cannot be read has `problem` and its bytes.
 *
 * Where a header came several times, the last counts.
 */
export function wireMessageOf({ key, value, headers }: Pick<KafkaRecord, 'key' | 'value' | 'headers'>): WireMessage {
  const read = new Reading(headers)
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

const none: Writable = Object.freeze(Object.create(null) as Writable)

/** The headers of one record, sorted by whom they belong to. */
class Reading {
  specversion: string | undefined
  id: string | undefined
  source: string | undefined
  type: string | undefined
  time: string | undefined
  contentType: string | undefined
  partitionKey: string | undefined
  /** As in `keyHeader`. */
  deadLetterKey: string | undefined
  isTombstone = false
  problem: string | undefined
  /** Made when there is one: most messages have none. */
  extensions: Writable = none
  headers: Writable = none

  constructor(table: KafkaRecord['headers']) {
    if (table === undefined || table === null) return
    for (const name of Object.keys(table)) this.#take(name, lastBytes(table[name]) ?? noBytes)
  }

  #take(name: string, bytes: Uint8Array): void {
    const text = textOfBytes(bytes)
    switch (headerKind(name)) {
      case 'application':
        return this.#header(name, text)
      case 'escaped':
        return this.#header(unescapedHeaderName(name), text)
      case 'own':
        return this.#takeOwn(name, text)
      case 'attribute':
        if (text !== bufferOf(bytes).toString('utf8')) this.problem ??= `the header ${name} holds no text`
        return this.#attribute(name.slice('ce_'.length), text)
    }
  }

  #takeOwn(name: string, text: string): void {
    if (name === contentTypeHeader) this.contentType = text
    else if (name === keyHeader) this.deadLetterKey = text
    else if (name === tombstoneHeader) this.isTombstone = true
  }

  #attribute(name: string, text: string): void {
    switch (name) {
      case 'specversion':
        this.specversion = text
        if (text !== '1.0') this.problem ??= 'CloudEvents specversion is not "1.0"'
        return
      case 'id':
        this.id = text
        return
      case 'source':
        this.source = text
        return
      case 'type':
        this.type = text
        return
      case 'time':
        this.time = text
        return
      case 'partitionkey':
        this.partitionKey = text
        return
      case 'datacontenttype':
        this.contentType ??= text
        return
      default:
        if (this.extensions === none) this.extensions = Object.create(null) as Writable
        this.extensions[name] = text
    }
  }

  #header(name: string, text: string): void {
    if (this.headers === none) this.headers = Object.create(null) as Writable
    this.headers[name] = text
  }
}

const batchBytes = 61
const recordOverheadBytes = 40
const headerOverheadBytes = 10

/** The most that a record can take in a batch: https://kafka.apache.org/documentation/#recordbatch */
export function recordBytes({ key, value, headers }: WireRecord): number {
  let bytes = recordOverheadBytes + (key?.byteLength ?? 0) + (value?.byteLength ?? 0)
  for (const name in headers) bytes += Buffer.byteLength(name) + Buffer.byteLength(headers[name]!) + headerOverheadBytes
  return bytes
}

/** What a batch of such records takes beside them. */
export const batchOverheadBytes = batchBytes
