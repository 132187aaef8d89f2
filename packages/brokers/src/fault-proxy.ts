import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { BrokerError, reasonOf } from './broker-error.ts'
import { type Direction, type FaultedLink, faultedLink, type Speed } from './faulted-link.ts'

/** One piece of what went over the wire, as it was about to be forwarded. */
export interface Passage {
  /** Counts connections from 1 in the order they were accepted. */
  readonly connection: number
  readonly direction: Direction
  /** Not a copy: copy what is kept. */
  readonly bytes: Buffer
}

export interface FaultProxyOptions {
  readonly target: { readonly host: string; readonly port: number }
  /** Where the proxy listens; `127.0.0.1` and a port that the system chooses by default. */
  readonly host?: string
  readonly port?: number
  /** Sees everything before it is forwarded, and may change bytes in place; what it cuts is not forwarded. */
  readonly onData?: (passage: Passage) => void
}

/**
 * A TCP proxy that makes network faults on demand, for everything that connects through it.
 *
 * It holds no more than one piece per direction and connection: who sends faster than the other side reads is slowed down.
 */
export interface FaultProxy extends AsyncDisposable {
  readonly host: string
  readonly port: number
  /** Connections open on the client's side now. */
  readonly connections: number
  /** Connections accepted so far. */
  readonly accepted: number
  /** Bytes forwarded so far. */
  readonly bytes: Readonly<Record<Direction, number>>
  /** The same address, but through the proxy. */
  url(of: string): string
  /** Resets every current connection on both sides (RST, not FIN) and returns how many there were. New ones pass. */
  cut(): number
  /** Refuses new connections (ECONNREFUSED) while on; current ones stay. */
  refuse(on: boolean): Promise<void>
  /**
   * Forwards nothing either way while on, neither bytes nor the end of a connection; connections and bytes are accepted.
   * What was held is delivered afterwards, as by a network that heals: a client that gave up meanwhile may still be heard.
   */
  blackhole(on: boolean): void
  /** Limits every connection from now on, each direction by itself; `slow(false)` lifts it. */
  slow(speed: Speed | false): void
  /**
   * Closes the server's side of every current connection and tells no client: what they send is accepted and lost.
   * Returns how many there were. New connections pass.
   */
  halfOpen(): number
  /** Resets what is open and stops listening. */
  close(): Promise<void>
}

/**
 * Starts a proxy in front of `target`.
 *
 * @throws `startFailed` when it cannot listen
 */
export async function startFaultProxy(options: FaultProxyOptions): Promise<FaultProxy> {
  const { target, onData } = options
  const links = new Set<FaultedLink>()
  const bytes = { toServer: 0, toClient: 0 }
  let accepted = 0
  let held = false
  let speed: Speed = {}

  const accept = (client: Socket): void => {
    accepted += 1
    const connection = accepted
    const link = faultedLink({
      client,
      connectServer: () => connect({ ...target, noDelay: true, allowHalfOpen: true }),
      held,
      speed: () => speed,
      onPiece(direction, piece) {
        onData?.({ connection, direction, bytes: piece })
      },
      onForwarded(direction, length) {
        bytes[direction] += length
      },
      onClosed: () => links.delete(link),
    })
    links.add(link)
  }
  const first = await listening(accept, options.host ?? '127.0.0.1', options.port ?? 0)
  const { address: host, port } = first.address() as AddressInfo
  let server: Server | undefined = first

  const cut = (): number => {
    const count = links.size
    for (const link of [...links]) link.reset()
    return count
  }
  const stopListening = async (): Promise<void> => {
    const listener = server
    server = undefined
    listener?.close()
  }
  const close = async (): Promise<void> => {
    await stopListening()
    cut()
  }
  return {
    host,
    port,
    bytes,
    get connections() {
      return links.size
    },
    get accepted() {
      return accepted
    },
    url(of) {
      const url = new URL(of)
      url.host = `${host.includes(':') ? `[${host}]` : host}:${port}`
      return url.href
    },
    cut,
    async refuse(on) {
      if (on) await stopListening()
      else server ??= await listening(accept, host, port)
    },
    blackhole(on) {
      held = on
      for (const link of links) link.hold(on)
    },
    slow(limit) {
      speed = limit === false ? {} : limit
    },
    halfOpen() {
      return [...links].filter((link) => link.loseServer()).length
    },
    close,
    [Symbol.asyncDispose]: close,
  }
}

function listening(accept: (client: Socket) => void, host: string, port: number): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer({ allowHalfOpen: true, noDelay: true, pauseOnConnect: true }, accept)
    server.once('error', (cause) => {
      reject(
        new BrokerError('startFailed', `the fault proxy cannot listen on ${host}:${port}: ${reasonOf(cause)}`, {
          cause,
        }),
      )
    })
    server.listen({ host, port }, () => resolve(server))
  })
}
