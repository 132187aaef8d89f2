import { MessagingError } from '@waybill/core/driver'
import kafkajs from 'kafkajs'
import { describe, expect, it } from 'vitest'
import { classify, protocolErrorOf, unwrapped } from '../src/kafka-errors.ts'

const { KafkaJSNonRetriableError, KafkaJSNumberOfRetriesExceeded, KafkaJSProtocolError } = kafkajs

const protocolError = (type: string) => new KafkaJSProtocolError(Object.assign(new Error(type), { type, code: 1 }))
const named = (name: string, more: object = {}) => Object.assign(new Error('x'), { name, ...more })
const cutLogin = (reason: string) =>
  named('KafkaJSSASLAuthenticationError', { message: `SASL SCRAM SHA256 authentication failed: ${reason}` })
const wrapped = (cause: Error) =>
  new KafkaJSNumberOfRetriesExceeded(cause, { retryCount: 0, retryTime: 1, cause } as never)

describe('the code', () => {
  it.each<[string, unknown, string]>([
    ['a topic that is not there', protocolError('UNKNOWN_TOPIC_OR_PARTITION'), 'notFound'],
    ['a topic that is forbidden', protocolError('TOPIC_AUTHORIZATION_FAILED'), 'permissionDenied'],
    ['a group that is forbidden', protocolError('GROUP_AUTHORIZATION_FAILED'), 'permissionDenied'],
    ['a wrong password', named('KafkaJSSASLAuthenticationError'), 'unauthenticated'],
    ['a login that was cut', cutLogin('Connection error: read ECONNRESET'), 'unavailable'],
    ['a login that a broker left', cutLogin('Closed connection'), 'unavailable'],
    ['a login without an answer', cutLogin('Request SaslAuthenticate(key: 36, version: 1) timed out'), 'unavailable'],
    ['a login that was refused', cutLogin('Authentication failed: Invalid username or password'), 'unauthenticated'],
    ['a wrong password, in words of Kafka', protocolError('SASL_AUTHENTICATION_FAILED'), 'unauthenticated'],
    ['a batch that is too large', protocolError('MESSAGE_TOO_LARGE'), 'tooLarge'],
    ['no key in a compacted topic', protocolError('INVALID_RECORD'), 'invalidArgument'],
    ['replicas that are behind', protocolError('NOT_ENOUGH_REPLICAS'), 'unavailable'],
    ['a leader that moved', protocolError('NOT_LEADER_FOR_PARTITION'), 'unavailable'],
    ['a group without this member', protocolError('UNKNOWN_MEMBER_ID'), 'leaseLost'],
    ['a factor the cluster cannot have', protocolError('INVALID_REPLICATION_FACTOR'), 'failedPrecondition'],
    ['an answer that did not come', named('KafkaJSRequestTimeoutError'), 'timeout'],
    ['nobody there', named('KafkaJSConnectionError', { code: 'ECONNREFUSED' }), 'unavailable'],
    ['nobody there, in other words', named('KafkaJSConnectionError', { code: 'whatever' }), 'unavailable'],
    ['no such host', named('KafkaJSConnectionError', { code: 'ENOTFOUND' }), 'unavailable'],
    ['a reset', named('Error', { code: 'ECONNRESET' }), 'unavailable'],
    [
      'a certificate of nobody',
      named('KafkaJSConnectionError', { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' }),
      'unauthenticated',
    ],
    ['a certificate that is over', named('KafkaJSConnectionError', { code: 'CERT_HAS_EXPIRED' }), 'unauthenticated'],
    ['no TLS on that port', named('Error', { code: 'ERR_SSL_WRONG_VERSION_NUMBER' }), 'failedPrecondition'],
    ['a coordinator that is being found', named('KafkaJSGroupCoordinatorNotFound'), 'unavailable'],
    ['an abort', named('AbortError'), 'aborted'],
    ['an error of ours', new MessagingError('tooLarge', 'x'), 'tooLarge'],
    ['a bug', new TypeError('x'), 'internal'],
    ['no error', undefined, 'internal'],
    ['a text', 'ECONNREFUSED', 'internal'],
    ['what only looks like a code', named('Error', { type: 'constructor', code: 'toString' }), 'internal'],
  ])('of %s', (_, error, code) => {
    expect(classify(error)).toBe(code)
    if (error instanceof Error) expect(classify(wrapped(error))).toBe(code)
  })

  it('of several is that of the first', () => {
    const errors = [protocolError('POLICY_VIOLATION'), protocolError('INVALID_CONFIG')]
    expect(classify(Object.assign(new Error('x'), { errors }))).toBe('failedPrecondition')
  })

  it('of causes that go round comes to an end', () => {
    const error = named('Error')
    error.cause = error
    expect(classify(error)).toBe('internal')
  })
})

describe('an error of kafkajs', () => {
  it('is found under what it gave up with, in words', () => {
    const cause = protocolError('LEADER_NOT_AVAILABLE')
    expect(unwrapped(wrapped(cause))).toBe(cause)
    expect(unwrapped(Object.assign(new KafkaJSNonRetriableError(cause), { cause }))).toBe(cause)
    expect(protocolErrorOf(wrapped(cause))).toBe('LEADER_NOT_AVAILABLE')
    expect(protocolErrorOf(new Error('x'))).toBe(undefined)
    expect(unwrapped(undefined)).toBe(undefined)
  })
})
