import type { Headers, WireMessage } from '@waybill/core/driver'
import { alteredHeaders, receivedMessages, sentMessages } from './changes.ts'
import type { DriverMutant } from './driver-mutant.ts'

const text = (body: Uint8Array): string => Buffer.from(body).toString('utf8')
const isOwn = (name: string): boolean => name.startsWith('waybill-')
const withBody = (message: WireMessage, change: (body: Uint8Array) => Uint8Array | undefined): WireMessage =>
  message.body === undefined ? message : { ...message, body: change(message.body) }
const withHeaders = (
  message: WireMessage,
  change: (name: string, value: string) => [string, string][],
): WireMessage => ({
  ...message,
  headers: alteredHeaders(message.headers, change),
})
/** The application's headers only. */
const sentHeaders = (change: (name: string, value: string) => [string, string][]) =>
  sentMessages((message) =>
    withHeaders(message, (name, value) => (isOwn(name) ? [[name, value]] : change(name, value))),
  )

/** Drivers whose mapper changes a message. */
export const content: readonly DriverMutant[] = [
  {
    name: 're-encodes-the-body',
    story: 'Reads the body as UTF-8 text and writes it again; clients whose messages are strings.',
    wrap: sentMessages((message) => withBody(message, (body) => Buffer.from(text(body)))),
    red: {
      'MSG-10': /actual - expected[\s\S]*\+   239[\s\S]*-   133/,
      'MSG-12': /case [\d.]+ as handled/,
    },
  },
  {
    name: 'parses-json-bodies',
    story: 'Parses what looks like JSON and writes it in its own way; mappers with a default codec.',
    wrap: sentMessages((message) => withBody(message, reformatted)),
    red: {
      'MSG-06':
        /actual - expected[\s\S]*\+ '\{\\n' \+[\s\S]*- '\{"specversion":"1\.0","id":"other","source":"\/other","type":"other","data":\{"inner":/,
    },
  },
  {
    name: 'unwraps-envelopes',
    story: 'Takes a JSON body with "data" or "Message" for an envelope and delivers what is in it.',
    wrap: receivedMessages((message) => withBody(message, unwrapped)),
    red: {
      'MSG-06': /actual - expected[\s\S]*\+   inner: true[\s\S]*-   data: \{/,
    },
  },
  {
    name: 'turns-a-tombstone-into-an-empty-body',
    story: 'Writes no body as an empty one; clients whose body is never null.',
    wrap: sentMessages((message) => ({ ...message, body: message.body ?? new Uint8Array() })),
    red: {
      'MSG-14': /billing: [\d.]+ runs: not within/,
    },
  },
  {
    name: 'takes-an-empty-body-for-a-tombstone',
    story: 'Writes an empty body as none; a check for truthiness.',
    wrap: sentMessages((message) => withBody(message, (body) => (body.byteLength === 0 ? undefined : body))),
    red: {
      'MSG-01': /billing: [\d.]+ messages handled: not within/,
      'MSG-14/an empty body is none': /actual - expected[\s\S]*-   0[\s\S]*\+   undefined/,
    },
  },
  {
    name: 'gives-new-ids',
    story: 'Lets the client library number messages anew on each send.',
    wrap: sentMessages((message) => ({ ...message, id: `${Math.random()}` })),
    red: {
      'SND-01': /what the broker has as soon as send resolves/,
      'IDM-01': /billing: [\d.]+ messages handled: not within/,
    },
  },
  {
    name: 'loses-the-key',
    story: 'Uses the key for routing and does not write it into the message.',
    wrap: sentMessages((message) => ({ ...message, key: undefined })),
    red: {
      'MSG-02': /actual - expected[\s\S]*\+   key: undefined[\s\S]*-   key: 'k'/,
    },
  },
  {
    name: 'writes-local-time',
    story: 'Writes the time of another time zone as UTC.',
    wrap: sentMessages((message) =>
      message.time === undefined
        ? message
        : { ...message, time: new Date(Date.parse(message.time) + 3_600_000).toISOString() },
    ),
    red: {
      'MSG-02': /the time [\d.]+ is that of the UUIDv[\d.]+ id, [\d.]+/,
    },
  },
  {
    name: 'loses-the-content-type',
    story: 'Labels every body application/json.',
    wrap: sentMessages((message) => ({ ...message, contentType: 'application/json' })),
    red: {
      'MSG-02/content type': /actual - expected[\s\S]*\+ 'application\/json'[\s\S]*- 'text\/plain; charset=utf-8'/,
    },
  },
  {
    name: 'loses-extension-attributes',
    story: 'Maps the CloudEvents attributes that it knows, and no other.',
    wrap: receivedMessages((message) => ({ ...message, extensions: Object.create(null) as Headers })),
    red: {
      'MSG-08': /actual - expected[\s\S]*\+   correlationId: undefined[\s\S]*-   correlationId: 'c-1'/,
    },
  },
  {
    name: 'knows-binary-mode-only',
    story: 'Sends every event as headers and a body, whatever its channel asks for.',
    wrap: sentMessages(({ structured: _, ...message }) => message),
    red: {
      'MSG-08/structured': /the content type/,
    },
  },
  {
    name: 'names-itself-the-source',
    story: 'Writes its own name as the source of each message, and so of foreign ones.',
    wrap: receivedMessages((message) => ({ ...message, source: '/adapter', type: message.type ?? 'message' })),
    red: {
      'MSG-07': /the type, where the message has none/,
    },
  },
  {
    name: 'loses-the-type',
    story: 'Does not write the type, and takes the channel for it.',
    wrap: sentMessages((message) => ({ ...message, type: undefined })),
    red: {
      'MSG-13': /actual - expected[\s\S]*\+   'any other: '[\s\S]*-   'cancelled: order\.cancelled'/,
    },
  },
  {
    name: 'lower-cases-header-names',
    story: 'Treats header names like those of HTTP.',
    wrap: sentHeaders((name, value) => [[name.toLowerCase(), value]]),
    red: {
      'MSG-04': /the headers handled/,
    },
  },
  {
    name: 'drops-empty-headers',
    story: 'Leaves out headers with an empty value; a check for truthiness.',
    wrap: sentHeaders((name, value) => (value === '' ? [] : [[name, value]])),
    red: {
      'MSG-12': /case [\d.]+ as handled/,
    },
  },
  {
    name: 'keeps-ten-headers',
    story: 'Drops the headers past the tenth; ten attributes of SQS.',
    wrap: sentMessages((message) => {
      let left = 10
      return withHeaders(message, (name, value) => (isOwn(name) || left-- > 0 ? [[name, value]] : []))
    }),
    red: {
      'MSG-03': /the headers handled/,
    },
  },
  {
    name: 'writes-headers-as-latin-1',
    story: 'Writes header values in one byte per character.',
    wrap: sentHeaders((name, value) => [[name, Buffer.from(value, 'utf8').toString('latin1')]]),
    red: {
      'MSG-03': /the headers handled/,
    },
  },
  {
    name: 'loses-names-of-prototypes',
    story: 'Collects headers in an object literal, where some names are taken.',
    wrap: receivedMessages((message) => withHeaders(message, (name, value) => (name in {} ? [] : [[name, value]]))),
    red: {
      'MSG-04': /the headers handled/,
    },
  },
  {
    name: 'strips-what-it-cannot-write',
    story: 'Takes control characters, colons and backslashes out of headers without a word.',
    wrap: sentHeaders((name, value) => [[name, value.replaceAll(/[\u0000-\u001f\u007f:\\]/g, '')]]),
    red: {
      'MSG-05': /actual - expected[\s\S]*\+     'cd'[\s\S]*-     'c:d'/,
    },
  },
  {
    name: 'drops-trace-context',
    story: 'Does not write the W3C trace headers; an allow list of headers.',
    wrap: sentMessages((message) =>
      withHeaders(message, (name, value) => (/^trace(parent|state)$/.test(name) ? [] : [[name, value]])),
    ),
    red: {
      'MSG-09': /at each attempt/,
    },
  },
  {
    name: 'hides-what-it-could-not-read',
    story: 'Delivers a message whose envelope was unreadable as if all were well.',
    wrap: receivedMessages(({ problem: _, ...message }) => message),
    red: {
      'MSG-11/the envelope': /and not for its body/,
    },
  },
  {
    name: 'refuses-foreign-messages',
    story: 'Takes every message that the library did not write for unreadable.',
    wrap: receivedMessages((message) =>
      message.id === undefined ? { ...message, problem: 'not written by this library' } : message,
    ),
    red: {
      'MSG-07/with headers and a key, to one group': /billing: [\d.]+ runs: not within/,
    },
  },
  {
    name: 'forgets-headers-on-retry-copies',
    story: 'Sends a copy to a group with body and key only.',
    wrap: sentMessages((message, to) =>
      to.group === undefined ? message : withHeaders(message, (name, value) => (isOwn(name) ? [[name, value]] : [])),
    ),
    red: {
      'MSG-10': /the dead letter is what was sent/,
    },
  },
  {
    name: 'normalizes-headers',
    story: 'Writes header values in composed form: texts that look the same and are not.',
    wrap: sentHeaders((name, value) => [[name, value.normalize()]]),
    red: {
      'MSG-15/json': /the headers of message \d+/,
    },
  },
  {
    name: 'pads-bodies',
    story: 'Writes bodies in units of four bytes and forgets how long they were.',
    wrap: sentMessages((message) => withBody(message, padded)),
    red: {
      'MSG-15/bytes': /the data of message \d+/,
    },
  },
  {
    name: 'mends-foreign-bodies',
    story: 'Reads what others sent as UTF-8 text, bytes that are none included.',
    wrap: receivedMessages((message) =>
      message.id === undefined ? withBody(message, (body) => Buffer.from(text(body))) : message,
    ),
    red: {
      'MSG-16/bytes': /message \d+, headers [\s\S]*: (handled as|the body of the dead letter)/,
      'MSG-16/json': /message \d+, headers [\s\S]*: (handled as|the body of the dead letter)/,
    },
  },
  {
    name: 'gives-the-keyless-a-key',
    story: 'Reads a message without a key as one with the empty key.',
    wrap: receivedMessages((message) => ({ ...message, key: message.key ?? '' })),
    red: {
      'MSG-07': /actual - expected[\s\S]*\+   ''[\s\S]*-   undefined/,
      'ORD-08': /several without a key run at a time: not within/,
    },
  },
]

function padded(body: Uint8Array): Uint8Array {
  return Buffer.concat([body, Buffer.alloc(-body.byteLength & 3)])
}

function reformatted(body: Uint8Array): Uint8Array {
  try {
    return Buffer.from(JSON.stringify(JSON.parse(text(body)), undefined, 1))
  } catch {
    return body
  }
}

function unwrapped(body: Uint8Array): Uint8Array {
  try {
    const { data, Message: message } = JSON.parse(text(body)) as { data?: unknown; Message?: string }
    if (message !== undefined) return Buffer.from(message)
    return data === undefined ? body : Buffer.from(JSON.stringify(data))
  } catch {
    return body
  }
}
