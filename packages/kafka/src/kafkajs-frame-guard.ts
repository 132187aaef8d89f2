import type { Socket } from 'node:net'
import { MessagingError } from '@waybill/core/driver'

/**
 * What one answer may have: a fetch brings 10 MiB and one batch more, which is larger only where it is alone, and
 * anything beyond the largest that Kafka's default allows several times over is no answer of a broker.
 */
const mostBytes = 33_554_432
const sizeBytes = 4

/**
 * Ends the connection at the first answer that is announced larger than any, or that nobody asked for, before kafkajs
 * sees it: that keeps all of an answer until it is whole, would take 2 GiB from whoever says so, turn for ever over a
 * negative size, and read on for ever. It writes each request in one piece.
 */
export function guardFrames(socket: Socket, most = mostBytes): void {
  const { emit, write } = socket
  let unanswered = 0
  const wrongIn = wrongAnswers(most, () => --unanswered >= 0)
  socket.write = (...values: unknown[]): boolean => {
    unanswered++
    return Reflect.apply(write, socket, values)
  }
  socket.emit = (event: string, ...values: unknown[]): boolean => {
    const wrong = event === 'data' ? wrongIn(values[0] as Buffer) : undefined
    if (wrong === undefined) return Reflect.apply(emit, socket, [event, ...values])
    const what = `what answers sends ${wrong}, which no broker does; check that Kafka listens there`
    socket.destroy(new MessagingError('failedPrecondition', what, { system: 'kafka' }))
    return true
  }
}

/** Follows the answers through all pieces; says what is wrong with the first that no broker sends. */
function wrongAnswers(most: number, isAsked: () => boolean): (piece: Buffer) => string | undefined {
  const head = Buffer.alloc(sizeBytes)
  let headBytes = 0
  let left = 0
  return (piece) => {
    for (let at = 0; at < piece.length; ) {
      if (left > 0) {
        const taken = Math.min(left, piece.length - at)
        left -= taken
        at += taken
        continue
      }
      head[headBytes++] = piece[at++] as number
      if (headBytes < sizeBytes) continue
      headBytes = 0
      left = head.readInt32BE()
      if (left < sizeBytes || left > most) return `an answer of ${left} bytes`
      if (!isAsked()) return 'answers that nobody asked for'
    }
    return undefined
  }
}
