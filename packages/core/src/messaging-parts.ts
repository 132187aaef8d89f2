import type { ChannelDefinition } from './channel.ts'
import type { Connection } from './connection.ts'
import type { ChannelRoute } from './connection-routes.ts'
import type { MessageEncoder } from './message-encoder.ts'
import type { Middleware } from './middleware.ts'
import type { Runtime } from './runtime.ts'
import type { SecretRedactor } from './secrets.ts'
import type { Telemetry } from './telemetry.ts'

/** What all parts of one messaging object share. */
export interface MessagingParts {
  readonly runtime: Runtime
  readonly encoder: MessageEncoder
  readonly nextId: () => string
  /** A name of this process, different from every other's. */
  readonly instance: string
  readonly middleware: readonly Middleware[]
  readonly telemetry: Telemetry | undefined
  readonly redactor: SecretRedactor
}

/** A channel and where it lives. */
export interface Site {
  readonly channel: ChannelDefinition
  readonly connection: Connection
  readonly route: ChannelRoute
}
