export { testMessaging, type RawMessage, type TestMessaging, type TestMessagingOptions } from './test-messaging.ts'
