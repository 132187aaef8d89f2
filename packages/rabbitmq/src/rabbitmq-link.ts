import type { Socket } from 'node:net'
import { MessagingError, type DriverContext } from '@waybill/core/driver'
import { connect, type ChannelModel, type Options, type SocketOptions } from 'amqplib'
import { corkPerTurn } from './rabbitmq-cork.ts'
import { isVhostRefusal } from './rabbitmq-errors.ts'
import { guardFrames, maxFrameBytes } from './rabbitmq-frame-guard.ts'
import type { RabbitmqSettings } from './rabbitmq-options.ts'

/** An amqplib connection together with the means to end it at once, whatever state it is in. */
export interface Link {
  readonly model: ChannelModel
  /** Destroys the socket. amqplib itself only half-closes it, which a dead peer never answers. */
  destroy(): void
}

/**
 * Opens a connection within `connectTimeoutMs`; rejects promptly once `context.signal` aborts, and takes the socket with
 * it at any later time.
 */
export async function openLink(settings: RabbitmqSettings, context: DriverContext): Promise<Link> {
  const { signal, clock, logger } = context
  signal.throwIfAborted()
  const socket = new AbortController()
  const onAbort = () => socket.abort(signal.reason)
  signal.addEventListener('abort', onAbort, { once: true })
  const timer = clock.after(settings.connectTimeoutMs, () => socket.abort(timedOut(settings)))
  if (settings.tls.allowUnverified)
    logger.warn(`tls.allowUnverified: whoever answers as "${settings.hostname}" is trusted`)
  try {
    const model = await connect(addressOf(settings), {
      ...socketOptions(settings, context),
      signal: socket.signal,
    } as SocketOptions)
    guardFrames(model)
    const stream = socketOf(model)
    if (stream !== undefined) corkPerTurn(stream)
    model.once('close', () => signal.removeEventListener('abort', onAbort))
    return { model, destroy: () => socket.abort() }
  } catch (error) {
    signal.removeEventListener('abort', onAbort)
    throw socket.signal.aborted ? socket.signal.reason : explained(error, settings)
  } finally {
    timer.cancel()
  }
}

/** amqplib keeps it to itself, and nothing else leads to it. Without it all is as well, only slower. */
function socketOf(model: ChannelModel): Socket | undefined {
  const { stream } = model.connection as { readonly stream?: Partial<Socket> }
  return typeof stream?.cork === 'function' && typeof stream.write === 'function' ? (stream as Socket) : undefined
}

/** As a record, because in a URL amqplib would take its own parameters. It decodes the vhost once more. */
function addressOf(settings: RabbitmqSettings): Options.Connect {
  const { secure, hostname, port, username, password, vhost, heartbeatMs } = settings
  return {
    protocol: secure ? 'amqps' : 'amqp',
    hostname,
    port,
    username,
    password,
    vhost: encodeURIComponent(vhost),
    heartbeat: heartbeatSeconds(heartbeatMs),
    frameMax: maxFrameBytes,
    maxFrameSize: maxFrameBytes,
  }
}

/**
 * What to negotiate so that a dead link is noticed within two heartbeats: amqplib looks once per interval and gives up
 * at the second look without traffic, which is up to three intervals after the last.
 */
export function heartbeatSeconds(heartbeatMs: number): number {
  return Math.max(1, Math.floor((heartbeatMs * 2) / 3_000))
}

function socketOptions(
  { secure, tls, connectionName }: RabbitmqSettings,
  { role, instance }: DriverContext,
): SocketOptions {
  const name = `${connectionName ?? `waybill ${instance}`} (${role})`
  return {
    noDelay: true,
    keepAlive: true,
    clientProperties: {
      connection_name: name,
      product: 'Waybill on amqplib',
      information: 'https://www.npmjs.com/package/@waybill/rabbitmq',
    },
    ...(secure ? tlsOptions(tls) : {}),
  }
}

/** `rejectUnauthorized` is said in so many words, so that no environment variable decides. */
function tlsOptions({ allowUnverified = false, ...certificates }: RabbitmqSettings['tls']): SocketOptions {
  return { ...certificates, rejectUnauthorized: !allowUnverified, minVersion: 'TLSv1.2' }
}

function timedOut({ hostname, port, connectTimeoutMs }: RabbitmqSettings): MessagingError {
  return new MessagingError('timeout', `no RabbitMQ answered at ${hostname}:${port} within ${connectTimeoutMs} ms`, {
    system: 'rabbitmq',
  })
}

function explained(error: unknown, { vhost }: RabbitmqSettings): unknown {
  if (!(error instanceof Error) || !isVhostRefusal(error)) return error
  const what = `RabbitMQ refuses the virtual host "${vhost}": it does not exist, or the user has no permission on it`
  return new MessagingError('notFound', what, { cause: error, system: 'rabbitmq' })
}
