export { channel, type Channel, type Received, type Sent } from './channel.ts'
export type { ChannelOptions, ChannelTypes, MessageSchema, Sendable } from './channel-types.ts'
export { bytes, json, type BodyDescription, type Codec } from './codec.ts'
export type { ChannelConfiguration, Configuration, Setting } from './configuration.ts'
export { connect, type ConnectOptions } from './connect.ts'
export type {
  BatchContext,
  BatchOptions,
  BroadcastOptions,
  ConsumeOptions,
  Consumer,
  StartFrom,
} from './consumer.ts'
export type { DeadLetter, DeadLetters, DeadLetterSelection, FailureRecord } from './dead-letters.ts'
export type { Driver } from './driver/driver.ts'
export type { Handler, HandlerContext } from './handler.ts'
export type { Claim, ClaimHolder, ClaimRequest, IdempotencyStore } from './idempotency-store.ts'
export { memoryIdempotencyStore, type MemoryIdempotencyStoreOptions } from './memory-idempotency-store.ts'
export type { Message, MessageHeaders } from './message.ts'
export { MessagingError, type ErrorCode, type MessagingErrorDetails, type SendFailureOf } from './messaging-error.ts'
export type { MessagingEvent } from './messaging-event.ts'
export type { Messaging } from './messaging.ts'
export type { Middleware, OutgoingMessage } from './middleware.ts'
export { openTelemetry } from './opentelemetry.ts'
export type { OpenTelemetryApi } from './opentelemetry-api.ts'
export { deadLetter, retryLater } from './outcome.ts'
export type { PreparedMessage, Producer, Receipt, SendOptions } from './producer.ts'
export { exponential, type RetryPolicy } from './retry-policy.ts'
export type { StandardSchemaV1 } from './standard-schema.ts'
export type { Telemetry } from './telemetry.ts'
export { telemetryNames } from './telemetry-names.ts'
