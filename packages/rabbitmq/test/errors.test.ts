import { MessagingError } from '@waybill/core/driver'
import { describe, expect, it } from 'vitest'
import { classify, explainDeclaration } from '../src/rabbitmq-errors.ts'

const reply = (code: number, message = 'Channel closed by server') => Object.assign(new Error(message), { code })
const system = (code: string) => Object.assign(new Error(code), { code })
const named = (name: string, message = name) => Object.assign(new Error(message), { name })

describe('classify', () => {
  it.each<[string, unknown, string]>([
    ['too large', reply(311), 'tooLarge'],
    ['no route', reply(312), 'unroutable'],
    ['connection forced', reply(320), 'unavailable'],
    ['access refused to a resource', reply(403), 'permissionDenied'],
    ['not found', reply(404), 'notFound'],
    ...[
      "home node 'rabbit@a' of durable queue 'orders' in vhost '/' is down or inaccessible",
      "failed to perform operation on queue 'orders' in vhost '/' due to timeout",
      "queue 'orders' in vhost '/' process is stopped by supervisor",
      "queue 'orders' in vhost '/' has crashed and failed to restart",
    ].map((text): [string, unknown, string] => [text, reply(404, `NOT_FOUND - ${text}`), 'unavailable']),
    ['locked', reply(405), 'failedPrecondition'],
    ['other arguments', reply(406), 'failedPrecondition'],
    [
      'past the size limit',
      reply(406, 'PRECONDITION_FAILED - message size 9 is larger than configured max size 8'),
      'tooLarge',
    ],
    [
      'acknowledged too late',
      reply(406, 'PRECONDITION_FAILED - delivery acknowledgement on channel 1 timed out'),
      'leaseLost',
    ],
    ['acknowledged twice', reply(406, 'PRECONDITION_FAILED - unknown delivery tag 3'), 'leaseLost'],
    ['a frame error', reply(501), 'internal'],
    ['not allowed', reply(530), 'permissionDenied'],
    ['not implemented', reply(540), 'unsupported'],
    ['the node failed', reply(541), 'unavailable'],
    [
      'wrong password',
      new Error('Handshake terminated by server: 403 (ACCESS-REFUSED) with message "…"'),
      'unauthenticated',
    ],
    ['too many connections', new Error('Handshake terminated by server: 320 (CONNECTION-FORCED)'), 'unavailable'],
    ['no such mechanism', new Error('SASL mechanism PLAIN is not provided by the server'), 'unauthenticated'],
    ['no such vhost', new Error('Expected ConnectionOpenOk; got <ConnectionClose channel:0>'), 'notFound'],
    ['refused', system('ECONNREFUSED'), 'unavailable'],
    ['unknown host', system('ENOTFOUND'), 'unavailable'],
    ['reset', system('ECONNRESET'), 'unavailable'],
    ['timed out', system('ETIMEDOUT'), 'unavailable'],
    ['refused on all addresses', Object.assign(new AggregateError([]), { code: 'ECONNREFUSED' }), 'unavailable'],
    ['self-signed', system('DEPTH_ZERO_SELF_SIGNED_CERT'), 'unauthenticated'],
    ['expired', system('CERT_HAS_EXPIRED'), 'unauthenticated'],
    ['for another host', system('ERR_TLS_CERT_ALTNAME_INVALID'), 'unauthenticated'],
    ['unknown authority', system('UNABLE_TO_GET_ISSUER_CERT_LOCALLY'), 'unauthenticated'],
    ['our certificate refused', system('ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED'), 'unauthenticated'],
    ['no TLS there', system('ERR_SSL_WRONG_VERSION_NUMBER'), 'failedPrecondition'],
    ['aborted', named('AbortError'), 'aborted'],
    ['no heartbeat', new Error('Heartbeat timeout'), 'unavailable'],
    ['closed by the peer', new Error('Unexpected close'), 'unavailable'],
    ['closed while opening', new Error('Socket closed abruptly during opening handshake'), 'unavailable'],
    ['used after the end', named('IllegalOperationError', 'Channel closed'), 'unavailable'],
    ['refused by a queue', new Error('message nacked'), 'unavailable'],
    ['no AMQP', new Error('Frame size 1347375956 exceeds maxFrameSize 67108864'), 'unavailable'],
    [
      'headers past the buffer',
      new RangeError('Encoded field table (headers or arguments) exceeds the 65536 byte encoding buffer'),
      'tooLarge',
    ],
    ['a header name too long', Object.assign(new RangeError('…'), { code: 'ERR_OUT_OF_RANGE' }), 'invalidArgument'],
    [
      'a property of the wrong type',
      new TypeError("Field 'messageId' is the wrong type; must be a string"),
      'invalidArgument',
    ],
    ['classified before', new MessagingError('timeout', 'late'), 'timeout'],
    ['unknown', new Error('what?'), 'internal'],
    ['no error', null, 'internal'],
  ])('%s', (_, error, code) => {
    expect(classify(error)).toBe(code)
  })
})

describe('a declaration that does not fit', () => {
  const text = (values: string) =>
    `Operation failed: QueueDeclare; 406 (PRECONDITION-FAILED) with message "PRECONDITION_FAILED - inequivalent arg 'x-delivery-limit' for queue 'a/b' in vhost '/': ${values}"`

  it.each([
    ["received the value '50' of type 'signedint' but current is none", '"50"', 'not set'],
    ["received '50' but current is '20'", '"50"', '"20"'],
    ["received none but current is the value '20' of type 'byte'", 'not set', '"20"'],
  ])('names the entity, both values and what to do: %s', (values, ours, theirs) => {
    const cause = reply(406, text(values))
    const error = explainDeclaration(cause, 'a') as MessagingError
    expect(error.code).toBe('failedPrecondition')
    expect(error.message).toContain(
      `queue "a/b" exists with other arguments: x-delivery-limit is ${theirs}, and would be ${ours}`,
    )
    expect(error.message).toContain('it was left as it is')
    expect(error.cause).toBe(cause)
  })

  it('leaves other errors alone', () => {
    const error = reply(404)
    expect(explainDeclaration(error, 'a')).toBe(error)
  })
})
