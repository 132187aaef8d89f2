import { isUtf8 } from 'node:buffer'
import { createHash } from 'node:crypto'
import { BinaryEvent, bufferOf, isStructured, structuredEvent, type WireMessage } from '@waybill/core/driver'
import type { KafkaRecord } from './kafka-client.ts'
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
import { lastBytes, textOfBytes } from './kafka-text.ts'

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

/** The group that a record is for; `undefined`: all that read its topic. */
export function addresseeOf({ headers }: Pick<KafkaRecord, 'headers'>): string | undefined {
  return ownText(headers, groupHeader)
}

/**
 * What was received as a wire message, whoever sent it. Never throws: what cannot be read has `problem` and its bytes.
 *
 * Where a header came several times, the last counts.
 */
export function wireMessageOf({ key, value, headers }: Pick<KafkaRecord, 'key' | 'value' | 'headers'>): WireMessage {
  const event = eventIn(headers)
  const recordKey = keyIn(key, ownText(headers, keyHeader))
  const body = event.isTombstone && value?.byteLength === 0 ? undefined : (value ?? undefined)
  const { contentType } = event
  if (body !== undefined && event.specversion === undefined && isStructured(contentType))
    return withKey(structuredEvent(contentType, body, event.headers), recordKey)
  // An attribute that says what the record's key says, or stands in for it, is no more than that; any other one stays.
  if (event.key !== undefined && recordKey !== undefined && event.key !== recordKey)
    event.extend('partitionkey', event.key)
  const message = {
    id: event.id,
    source: event.source,
    type: event.type,
    time: event.time,
    contentType,
    extensions: event.extensions,
    key: recordKey ?? event.key,
    headers: event.headers,
    body,
  }
  return event.problem === undefined ? message : { ...message, problem: event.problem }
}

/** The record's key is what keeps order, whatever the event says. */
function withKey(message: WireMessage, key: string | undefined): WireMessage {
  return key === undefined ? message : { ...message, key }
}

function ownText(headers: KafkaRecord['headers'], name: string): string | undefined {
  if (headers === undefined || headers === null || !Object.hasOwn(headers, name)) return undefined
  const bytes = lastBytes(headers[name])
  return bytes === undefined ? undefined : textOfBytes(bytes)
}

/** The record's key, which in a dead letter is its own: what it was stands in `keyHeader`. */
function keyIn(key: Buffer | null, ofLetter: string | undefined): string | undefined {
  if (ofLetter !== undefined) return ofLetter === '' ? undefined : ofLetter.slice(1)
  return key === null || key === undefined ? undefined : textOfBytes(key)
}

/** What is the same in most messages of a channel, or of a moment. */
const repeated = {
  specversion: new RepeatedText(),
  source: new RepeatedText(),
  type: new RepeatedText(),
  time: new RepeatedText(),
  contentType: new RepeatedText(),
}

function textOfHeader(name: string, bytes: Buffer): string {
  switch (name) {
    case 'ce_specversion':
      return repeated.specversion.read(bytes)
    case 'ce_source':
      return repeated.source.read(bytes)
    case 'ce_type':
      return repeated.type.read(bytes)
    case 'ce_time':
      return repeated.time.read(bytes)
    case contentTypeHeader:
      return repeated.contentType.read(bytes)
    default:
      return bytes.toString()
  }
}

function eventIn(table: KafkaRecord['headers']): BinaryEvent {
  const event = new BinaryEvent()
  if (table === undefined || table === null) return event
  for (const name of Object.keys(table)) take(event, name, table[name])
  return event
}

function take(event: BinaryEvent, name: string, value: unknown): void {
  // A buffer nearly always, and `Buffer.isBuffer` takes longer than the rest of this.
  const bytes = ArrayBuffer.isView(value) ? (value as Buffer) : bufferOf(lastBytes(value) ?? noBytes)
  const text = textOfHeader(name, bytes)
  if (text.includes('\ufffd') && !isUtf8(bytes)) return takeBytes(event, name, bytes)
  switch (name) {
    case 'ce_specversion':
      return event.setVersion(text)
    case 'ce_id':
      event.id = text
      return
    case 'ce_source':
      event.source = text
      return
    case 'ce_type':
      event.type = text
      return
    case 'ce_time':
      event.time = text
      return
    case 'ce_partitionkey':
      event.key = text
      return
    case contentTypeHeader:
      event.contentType = text
      return
    default:
      return takeOther(event, name, text)
  }
}

function takeOther(event: BinaryEvent, name: string, text: string): void {
  switch (headerKind(name)) {
    case 'application':
      return event.addHeader(name, text)
    case 'escaped':
      return event.addHeader(unescapedHeaderName(name), text)
    case 'attribute':
      // It stands in a header of its own.
      if (name === 'ce_datacontenttype') event.contentType ??= text
      else event.extend(name.slice('ce_'.length), text)
      return
    case 'own':
      if (name === tombstoneHeader) event.isTombstone = true
  }
}

/** What is no text: a header can have it, as base64, and an attribute cannot. */
function takeBytes(event: BinaryEvent, name: string, bytes: Buffer): void {
  if (headerKind(name) === 'attribute') event.isNoText(name)
  else takeOther(event, name, bytes.toString('base64'))
}
