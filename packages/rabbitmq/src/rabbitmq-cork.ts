import type { Socket } from 'node:net'

/**
 * Sends what is written in one turn of the event loop as one packet, and at once: without Nagle's delay, and without a
 * system call per frame. amqplib writes frame by frame.
 */
export function corkPerTurn(socket: Socket): void {
  const write = socket.write.bind(socket) as (...written: unknown[]) => boolean
  let isCorked = false
  const uncork = (): void => {
    isCorked = false
    socket.uncork()
  }
  socket.write = ((...written: unknown[]) => {
    if (!isCorked) {
      isCorked = true
      socket.cork()
      process.nextTick(uncork)
    }
    return write(...written)
  }) as Socket['write']
}
