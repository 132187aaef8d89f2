import { connect as connectTcp, isIP, Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import type { KafkaSettings } from './kafka-options.ts'
import { guardFrames, mostBytesFor } from './kafkajs-frame-guard.ts'

/** What kafkajs asks for a socket with. */
export interface SocketRequest {
  readonly host: string
  readonly port: number
  readonly onConnect: () => void
}

export interface SocketsOptions {
  readonly settings: Pick<KafkaSettings, 'secure' | 'tls' | 'maxMessageBytes'>
  /** A socket that a broker had answered on broke. */
  readonly onBroken: (error: Error) => void
  /** A broker ended one, as it does with those that are idle, or because it stops. */
  readonly onEnded: () => void
}

const keepAliveMs = 60_000

/** All sockets of one epoch. Once destroyed there are no more: whatever kafkajs tries again fails at once. */
export class Sockets {
  readonly #options: SocketsOptions
  readonly #open = new Set<Socket>()
  #reason: Error | undefined

  constructor(options: SocketsOptions) {
    this.#options = options
  }

  readonly open = ({ host, port, onConnect }: SocketRequest): Socket => {
    if (this.#reason !== undefined) return stillborn(this.#reason)
    const { settings } = this.#options
    const socket = settings.secure
      ? connectTls({ ...tlsOptions(settings, host), host, port }, onConnect)
      : connectTcp({ host, port }, onConnect)
    socket.setKeepAlive(true, keepAliveMs)
    socket.setNoDelay(true)
    guardFrames(socket, mostBytesFor(settings.maxMessageBytes))
    failUnanswered(socket)
    this.#watch(socket, settings.secure ? 'secureConnect' : 'connect')
    return socket
  }

  /** With an error, since kafkajs looks for one: without, what waits for an answer would wait on. */
  destroy(reason: Error): void {
    this.#reason ??= reason
    for (const socket of this.#open) socket.destroy(reason)
  }

  #watch(socket: Socket, connected: string): void {
    let isConnected = false
    this.#open.add(socket)
    socket.once(connected, () => {
      isConnected = true
    })
    socket.once('end', () => {
      if (isConnected && !socket.writableEnded && this.#reason === undefined) this.#options.onEnded()
    })
    socket.on('error', (error) => {
      // Some proxies take a connection for a broker that is gone, and break it at once: as good as refused.
      const isAnswered = isConnected && socket.bytesRead > 0
      if (isAnswered && this.#reason === undefined) this.#options.onBroken(error)
    })
    socket.once('close', () => this.#open.delete(socket))
  }
}

/**
 * Some proxies take a connection for a broker that is gone, and end it at once. That is as good as refused, and kafkajs asks
 * the next broker only after an error.
 */
function failUnanswered(socket: Socket): void {
  const { emit } = socket
  socket.emit = (event: string, ...values: unknown[]): boolean => {
    if (event !== 'end' || socket.bytesRead > 0) return Reflect.apply(emit, socket, [event, ...values])
    socket.destroy(Object.assign(new Error('the connection ended before any answer'), { code: 'ECONNREFUSED' }))
    return true
  }
}

/** kafkajs expects a socket, and learns of failures by its events. */
function stillborn(reason: Error): Socket {
  const socket = new Socket()
  queueMicrotask(() => socket.destroy(reason))
  return socket
}

/** `rejectUnauthorized` is said in so many words, so that no environment variable decides. */
function tlsOptions({ tls }: Pick<KafkaSettings, 'tls'>, host: string) {
  const { allowUnverified = false, ...certificates } = tls
  return {
    ...(isIP(host) === 0 ? { servername: host } : {}),
    ...certificates,
    rejectUnauthorized: !allowUnverified,
    minVersion: 'TLSv1.2' as const,
  }
}
