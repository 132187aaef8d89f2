import { MessagingError, platformErrorCode, type ErrorCode } from '@waybill/core/driver'

/** By Kafka's names, as kafkajs has them in `type`: https://kafka.apache.org/protocol#protocol_error_codes */
const protocolCodes: { readonly [type: string]: ErrorCode } = {
  UNKNOWN_TOPIC_OR_PARTITION: 'notFound',
  UNKNOWN_TOPIC_ID: 'notFound',
  GROUP_ID_NOT_FOUND: 'notFound',
  INVALID_TOPIC_EXCEPTION: 'invalidArgument',
  INVALID_GROUP_ID: 'invalidArgument',
  INVALID_RECORD: 'invalidArgument',
  INVALID_TIMESTAMP: 'invalidArgument',
  INVALID_REPLICATION_FACTOR: 'failedPrecondition',
  INVALID_PARTITIONS: 'failedPrecondition',
  INVALID_CONFIG: 'failedPrecondition',
  POLICY_VIOLATION: 'failedPrecondition',
  TOPIC_ALREADY_EXISTS: 'failedPrecondition',
  TOPIC_DELETION_DISABLED: 'failedPrecondition',
  NON_EMPTY_GROUP: 'failedPrecondition',
  INCONSISTENT_GROUP_PROTOCOL: 'failedPrecondition',
  INVALID_SESSION_TIMEOUT: 'failedPrecondition',
  MESSAGE_TOO_LARGE: 'tooLarge',
  RECORD_LIST_TOO_LARGE: 'tooLarge',
  TOPIC_AUTHORIZATION_FAILED: 'permissionDenied',
  GROUP_AUTHORIZATION_FAILED: 'permissionDenied',
  CLUSTER_AUTHORIZATION_FAILED: 'permissionDenied',
  SASL_AUTHENTICATION_FAILED: 'unauthenticated',
  ILLEGAL_SASL_STATE: 'unauthenticated',
  UNSUPPORTED_SASL_MECHANISM: 'unauthenticated',
  UNSUPPORTED_VERSION: 'unsupported',
  UNSUPPORTED_FOR_MESSAGE_FORMAT: 'unsupported',
  REQUEST_TIMED_OUT: 'timeout',
  UNKNOWN_MEMBER_ID: 'leaseLost',
  ILLEGAL_GENERATION: 'leaseLost',
  FENCED_INSTANCE_ID: 'leaseLost',
  OFFSET_OUT_OF_RANGE: 'notFound',
}

/** What may pass by itself: a leader that moves, a coordinator that loads, replicas that catch up, a new producer id. */
const passing = new Set([
  'LEADER_NOT_AVAILABLE',
  'NOT_LEADER_FOR_PARTITION',
  'REPLICA_NOT_AVAILABLE',
  'BROKER_NOT_AVAILABLE',
  'NETWORK_EXCEPTION',
  'GROUP_LOAD_IN_PROGRESS',
  'GROUP_COORDINATOR_NOT_AVAILABLE',
  'NOT_COORDINATOR_FOR_GROUP',
  'NOT_ENOUGH_REPLICAS',
  'NOT_ENOUGH_REPLICAS_AFTER_APPEND',
  'REBALANCE_IN_PROGRESS',
  'NOT_CONTROLLER',
  'KAFKA_STORAGE_ERROR',
  'CONCURRENT_TRANSACTIONS',
  'OUT_OF_ORDER_SEQUENCE_NUMBER',
  'DUPLICATE_SEQUENCE_NUMBER',
  'UNKNOWN_PRODUCER_ID',
  'INVALID_PRODUCER_EPOCH',
  'FENCED_LEADER_EPOCH',
  'UNKNOWN_LEADER_EPOCH',
  'THROTTLING_QUOTA_EXCEEDED',
  'CORRUPT_MESSAGE',
])

/** What kafkajs throws without a code of Kafka's: https://kafka.js.org/docs/retry-detailed */
const clientErrors: { readonly [name: string]: ErrorCode } = {
  KafkaJSSASLAuthenticationError: 'unauthenticated',
  KafkaJSRequestTimeoutError: 'timeout',
  KafkaJSConnectionError: 'unavailable',
  KafkaJSConnectionClosedError: 'unavailable',
  KafkaJSBrokerNotFound: 'unavailable',
  KafkaJSMetadataNotLoaded: 'unavailable',
  KafkaJSTopicMetadataNotLoaded: 'unavailable',
  KafkaJSStaleTopicMetadataAssignment: 'unavailable',
  KafkaJSLockTimeout: 'unavailable',
  KafkaJSTimeout: 'timeout',
  KafkaJSUnsupportedMagicByteInMessageSet: 'unsupported',
  KafkaJSServerDoesNotSupportApiKey: 'unsupported',
  KafkaJSNotImplemented: 'unsupported',
  KafkaJSOffsetOutOfRange: 'notFound',
}

/** A connection that ended during the login: kafkajs calls that a failed login too, and keeps of its cause the text alone. */
const cutLogin =
  /authentication failed: (?:Connection error|Connection timeout|Closed connection|Request .* timed out)/s

/**
 * No broker gave an answer: kafkajs asks one after the other and keeps to itself what each failed with (`withBroker` in
 * its src/cluster/brokerPool.js). Of a coordinator it says that none was found; metadata it looks for in `null`.
 */
export function isUnanswered({ name, message }: { readonly name?: unknown; readonly message?: unknown }): boolean {
  return name === 'KafkaJSGroupCoordinatorNotFound' || (name === 'TypeError' && /'topicMetadata'/.test(String(message)))
}

/** The code of whatever kafkajs, Node.js or this driver threw. Never throws. */
export function classify(error: unknown): ErrorCode {
  let code: ErrorCode | undefined
  for (const each of withCauses(error)) {
    if (MessagingError.is(each)) return each.code
    code = codeOf(each) ?? code
  }
  return code ?? 'internal'
}

/** Kafka's own name of what went wrong, wherever kafkajs has wrapped it. */
export function protocolErrorOf(error: unknown): string | undefined {
  for (const each of withCauses(error)) {
    const { type } = each as { readonly type?: unknown }
    if (typeof type === 'string' && type !== 'UNKNOWN') return type
  }
  return undefined
}

/** kafkajs wraps what it gave up on in errors without words. */
export function unwrapped(error: unknown): unknown {
  const { name, cause } = (error ?? {}) as { readonly name?: unknown; readonly cause?: unknown }
  const isWrapper = name === 'KafkaJSNumberOfRetriesExceeded' || name === 'KafkaJSNonRetriableError'
  return isWrapper && cause instanceof Error ? unwrapped(cause) : error
}

/** The error, what it was caused by, and so on; of several at once the first. The innermost says most. */
export function* withCauses(error: unknown): Generator<object> {
  let each = error
  for (let depth = 0; depth < 8 && typeof each === 'object' && each !== null; depth++) {
    yield each
    const { cause, errors } = each as { readonly cause?: unknown; readonly errors?: unknown }
    each = Array.isArray(errors) && errors.length > 0 ? errors[0] : cause
  }
}

function codeOf(error: object): ErrorCode | undefined {
  const { code, name, type, message } = error as { readonly [key in 'code' | 'name' | 'type' | 'message']?: unknown }
  if (name === 'KafkaJSSASLAuthenticationError' && cutLogin.test(String(message))) return 'unavailable'
  if (isUnanswered(error)) return 'unavailable'
  if (typeof type === 'string') {
    if (passing.has(type)) return 'unavailable'
    if (Object.hasOwn(protocolCodes, type)) return protocolCodes[type]
  }
  if (name === 'AbortError') return 'aborted'
  const platform = typeof code === 'string' ? platformErrorCode(code) : undefined
  return platform ?? (typeof name === 'string' && Object.hasOwn(clientErrors, name) ? clientErrors[name] : undefined)
}
