import { type AddressInfo, createServer, type Socket } from 'node:net'

export interface HostileServerOptions {
  readonly host?: string
  /** From one piece of what it pours to the next. Default: none. */
  readonly everyMs?: number
  /**
   * For each client: talks to it as a broker does for as long as it likes, and then calls `pour` with what to say from then
   * on, no faster than the client reads.
   */
  readonly onClient: (client: Socket, pour: (pieces: Iterable<Buffer>) => void) => void
}

/** A server that is a broker up to a moment, if at all, and hostile from then on, to every client alike. */
export interface HostileServer extends AsyncDisposable {
  readonly port: number
  /** To how many clients it has begun to pour. */
  readonly attacked: number
  /** How many clients have hung up. */
  readonly left: number
  close(): Promise<void>
}

export async function startHostileServer(options: HostileServerOptions): Promise<HostileServer> {
  const { host = '127.0.0.1', everyMs = 0, onClient } = options
  const sockets = new Set<Socket>()
  let attacked = 0
  let left = 0
  const server = createServer((client) => {
    sockets.add(client)
    client
      .on('error', () => {})
      .on('close', () => {
        left++
        sockets.delete(client)
      })
    onClient(client, (pieces) => {
      attacked++
      pour(client, pieces, everyMs)
    })
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen({ host, port: 0 }, resolve)
  })
  const close = async (): Promise<void> => {
    for (const socket of sockets) socket.destroy()
    await new Promise((resolve) => server.close(resolve))
  }
  return {
    port: (server.address() as AddressInfo).port,
    get attacked() {
      return attacked
    },
    get left() {
      return left
    },
    close,
    [Symbol.asyncDispose]: close,
  }
}

/** `first`, then `rest` for ever. */
export function* endless(first: Buffer, rest: Buffer): Iterable<Buffer> {
  yield first
  for (;;) yield rest
}

/** Random bytes, the same in every run. */
export function noise(bytes: number, seed: number): Buffer {
  let state = seed
  const next = (): number => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
    return state >>> 24
  }
  return Buffer.from(Array.from({ length: bytes }, next))
}

function pour(socket: Socket, pieces: Iterable<Buffer>, everyMs: number): void {
  const rest = pieces[Symbol.iterator]()
  const next = (): void => {
    if (socket.destroyed) return
    const { value, done } = rest.next()
    if (done === true) return
    const mayGoOn = socket.write(value)
    if (everyMs > 0) setTimeout(next, everyMs)
    else if (mayGoOn) setImmediate(next)
    else socket.once('drain', next)
  }
  next()
}
