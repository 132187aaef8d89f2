import type { Socket } from 'node:net'
import { MessagingError } from '@waybill/core/driver'

/** What one answer may have, at the least that is allowed: Kafka's default for a batch many times over. */
const leastBytes = 33_554_432
/** All of a fetch but the batch with which it ends. */
const fetchBytes = 11_534_336
const sizeBytes = 4

/** The largest answer of a broker whose topics take batches of `maxMessageBytes`: a fetch brings 10 MiB and one of them. */
export function mostBytesFor(maxMessageBytes: number): number {
  return Math.max(leastBytes, fetchBytes + maxMessageBytes)
}

/**
 * Ends the connection at the first answer that is announced larger than any, or that nobody asked for, before kafkajs
 * sees it: that keeps all of an answer until it is whole, would take 2 GiB from whoever says so, turn for ever over a
 * negative size, and read on for ever. It writes each request in one piece.
 */
export function guardFrames(socket: Socket, most: number): void {
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
