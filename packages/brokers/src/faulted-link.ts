import type { Socket } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'

/** Which way bytes go through the proxy. */
export type Direction = 'toServer' | 'toClient'

/** How fast bytes pass, each direction of each connection by itself; what is absent is not limited. */
export interface Speed {
  readonly bytesPerSecond?: number
  /** Bytes are written in pieces of at most this size. */
  readonly chunkBytes?: number
  /** Each piece waits this long, one after the other. */
  readonly delayMs?: number
}

interface LinkOptions {
  /** Not yet flowing. */
  readonly client: Socket
  /** Called once, when the link is not held. */
  connectServer(): Socket
  readonly held: boolean
  speed(): Speed
  onPiece(direction: Direction, piece: Buffer): void
  onForwarded(direction: Direction, length: number): void
  onClosed(): void
}

/** One connection through the proxy: two sockets and what happens between them. */
export interface FaultedLink {
  reset(): void
  hold(on: boolean): void
  /** `false` when it was lost already. */
  loseServer(): boolean
}

/** Joins a client to the server; ends when both are done, and resets the other side when one fails. */
export function faultedLink(options: LinkOptions): FaultedLink {
  const { client } = options
  const closing = new AbortController()
  let held = options.held
  let lost = false
  let server: Socket | undefined
  let wake: (() => void)[] = []

  const released = async (): Promise<void> => {
    while (held && !closing.signal.aborted) await new Promise<void>((resolve) => wake.push(resolve))
  }
  const wakeAll = (): void => {
    const waiting = wake
    wake = []
    for (const resolve of waiting) resolve()
  }
  const reset = (): void => {
    if (closing.signal.aborted) return
    closing.abort()
    resetSocket(client)
    if (server !== undefined) resetSocket(server)
    wakeAll()
    options.onClosed()
  }
  const finishIfDone = (): void => {
    if (client.destroyed && (lost || server?.destroyed === true) && !closing.signal.aborted) {
      closing.abort()
      wakeAll()
      options.onClosed()
    }
  }

  const forward = async (direction: Direction, from: Socket, to: Socket): Promise<void> => {
    const paced = pace(options.speed, closing.signal)
    for await (const bytes of from.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      let rest = bytes
      while (rest.length > 0 && !lost) {
        const piece = await paced(rest)
        await released()
        if (closing.signal.aborted) return
        if (lost) break
        options.onPiece(direction, piece)
        if (closing.signal.aborted) return
        rest = rest.subarray(piece.length)
        const room = to.write(piece)
        options.onForwarded(direction, piece.length)
        if (!room) await drained(to)
      }
    }
    await released()
    if (lost) client.destroy()
    else to.end()
  }

  const failed = async (): Promise<void> => {
    await released()
    if (!lost) reset()
  }

  const join = async (): Promise<void> => {
    client.on('error', failed)
    client.on('close', finishIfDone)
    await released()
    if (closing.signal.aborted) return
    if (lost) {
      client.on('end', () => client.destroy()).resume()
      return
    }
    server = options.connectServer()
    server.on('error', failed)
    server.on('close', finishIfDone)
    await Promise.all([forward('toServer', client, server), forward('toClient', server, client)])
  }
  join().catch(failed)

  return {
    reset,
    hold(on) {
      held = on
      if (!on) wakeAll()
    },
    loseServer() {
      if (lost) return false
      lost = true
      server?.destroy()
      return true
    },
  }
}

/** A socket that is just saying its end cannot be reset: Node.js would leave it open for good. */
function resetSocket(socket: Socket): void {
  if (socket.writableEnded && !socket.writableFinished) socket.destroy()
  else socket.resetAndDestroy()
}

/** Resolves once the socket has room again or will never have. */
async function drained(socket: Socket): Promise<void> {
  if (socket.destroyed) return
  await new Promise<void>((resolve) => {
    const done = (): void => {
      socket.off('drain', done).off('close', done)
      resolve()
    }
    socket.on('drain', done).on('close', done)
  })
}

/** Waits as the speed demands and gives the piece that may pass then. A rate is kept on average, whatever timers can do. */
function pace(speed: () => Speed, signal: AbortSignal): (bytes: Buffer) => Promise<Buffer> {
  let owedMs = 0
  const wait = async (ms: number): Promise<number> => {
    const from = performance.now()
    await pause(ms, undefined, { signal })
    return performance.now() - from
  }
  return async (bytes) => {
    const { bytesPerSecond, chunkBytes = bytes.length, delayMs = 0 } = speed()
    const slice = bytesPerSecond === undefined ? chunkBytes : Math.min(chunkBytes, Math.ceil(bytesPerSecond / 20))
    const piece = bytes.subarray(0, Math.max(1, slice))
    if (delayMs > 0) await wait(delayMs)
    if (bytesPerSecond === undefined) return piece
    owedMs += (piece.length / bytesPerSecond) * 1000
    if (owedMs >= 1) owedMs = Math.max(-50, owedMs - (await wait(owedMs)))
    return piece
  }
}
