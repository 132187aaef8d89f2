import { basename } from 'node:path'
import { Connection } from './connection.ts'
import { resolveConfiguration, type ConnectionSource } from './connection-routes.ts'
import type { Configuration } from './configuration.ts'
import { loadDriver } from './driver-loader.ts'
import type { Driver } from './driver/driver.ts'
import { checkKnown } from './known-options.ts'
import { MessageEncoder } from './message-encoder.ts'
import { MessagingClient } from './messaging-client.ts'
import { MessagingError } from './messaging-error.ts'
import type { MessagingEvent } from './messaging-event.ts'
import type { Messaging } from './messaging.ts'
import type { Middleware } from './middleware.ts'
import { redactedTelemetry } from './redacted-telemetry.ts'
import { systemRuntime, type Runtime } from './runtime.ts'
import { SecretRedactor, secretsIn, secretsOf } from './secrets.ts'
import type { Telemetry } from './telemetry.ts'
import { createIdSource } from './uuid.ts'

export interface ConnectOptions {
  /** CloudEvents `source` of what is sent: a URI reference. Default: `/` and the name of the program. */
  source?: string
  /** How long to go on trying the first connection. Default 0: the first failure rejects. */
  waitForBrokerMs?: number
  /** Around every handler and every send. */
  middleware?: readonly Middleware[]
  /** Told of what happens. Must not throw; what it throws is ignored. */
  onEvent?: (event: MessagingEvent) => void
  /** Traces and metrics: `openTelemetry(api)`. Default: none, at no cost. */
  telemetry?: Telemetry
  /** Gives up connecting. */
  signal?: AbortSignal
}

/**
 * Connects to one broker (by URL or driver) or several (by configuration).
 *
 * Rejects with `invalidArgument` on anything not understood, before any I/O; with `notFound` when an adapter is not
 * installed; with `unavailable`, `unauthenticated` or `permissionDenied` when the broker cannot be had. After the first
 * connection everything comes back by itself. Conformance: ERR-01, LIF-09, LIF-10.
 */
export function connect(target: string | Driver | Configuration, options: ConnectOptions = {}): Promise<Messaging> {
  return connectWith(systemRuntime, target, options)
}

/** As `connect`, with a clock and a source of chance of the caller's: for tests and simulations. */
export async function connectWith(
  runtime: Runtime,
  target: string | Driver | Configuration,
  options: ConnectOptions = {},
): Promise<Messaging> {
  checkKnown('connect', options, ['source', 'waitForBrokerMs', 'middleware', 'onEvent', 'telemetry', 'signal'])
  const { waitForBrokerMs = 0, signal, middleware = [] } = options
  if (!(waitForBrokerMs >= 0)) {
    throw new MessagingError('invalidArgument', `connect: waitForBrokerMs must be at least 0, not ${waitForBrokerMs}`)
  }
  const configuration = resolveConfiguration(target, process.env)
  const redactor = new SecretRedactor()
  for (const source of configuration.connections.values())
    for (const secret of secretsFrom(source)) redactor.add(secret)
  const idSource = createIdSource(runtime)
  const nextId = () => idSource(runtime.clock.now())
  const instance = nextId()
  const connections = new Map<string, Connection>()
  for (const [name, source] of configuration.connections) {
    const driver = await loadDriver(source)
    for (const secret of driver.secrets?.() ?? []) redactor.add(secret)
    const onEvent = eventSink(options.onEvent, redactor)
    connections.set(name, new Connection({ name, driver, runtime, instance, onEvent }))
  }
  await startAll([...connections.values()], waitForBrokerMs, signal, redactor)
  const encoder = new MessageEncoder(options.source ?? defaultSource(), runtime)
  const telemetry = options.telemetry && redactedTelemetry(options.telemetry, redactor)
  const parts = { runtime, encoder, nextId, instance, middleware, telemetry, redactor }
  return new MessagingClient(parts, configuration, connections) as Messaging
}

async function startAll(
  connections: readonly Connection[],
  waitMs: number,
  signal: AbortSignal | undefined,
  redactor: SecretRedactor,
): Promise<void> {
  const started = await Promise.allSettled(connections.map((connection) => connection.start(waitMs, signal)))
  const failed = started.find((each) => each.status === 'rejected')
  if (failed === undefined) return
  await Promise.all(connections.map((connection) => connection.close()))
  throw redactor.redactError(failed.reason)
}

function eventSink(
  onEvent: ((event: MessagingEvent) => void) | undefined,
  redactor: SecretRedactor,
): (event: MessagingEvent) => void {
  if (onEvent === undefined) return () => {}
  return (event) => {
    const clean = event.error === undefined ? event : { ...event, error: redactor.redactError(event.error) as Error }
    try {
      onEvent(clean)
    } catch {
      // An observer that fails must not fail what it observes.
    }
  }
}

function secretsFrom(source: ConnectionSource): string[] {
  if (typeof source === 'string') return secretsOf(source)
  return 'settings' in source ? secretsIn(source.settings) : []
}

function defaultSource(): string {
  const script = process.argv[1]
  return script === undefined ? '/node' : `/${encodeURIComponent(basename(script))}`
}
