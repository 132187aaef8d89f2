import { Duplex } from 'node:stream'
import type { Socket } from 'node:net'
import { describe, expect, it } from 'vitest'
import { guardFrames } from '../src/kafkajs-frame-guard.ts'

function guarded(chunks: readonly Buffer[], requests = 3): Promise<unknown> {
  const socket = new Duplex({ read() {}, write: (_chunk, _encoding, done) => done() })
  guardFrames(socket as unknown as Socket, 1_000)
  return new Promise((resolve) => {
    socket.on('error', resolve).on('end', () => resolve('passed'))
    socket.resume()
    for (let request = 0; request < requests; request++) socket.write('request')
    for (const chunk of chunks) socket.push(chunk)
    socket.push(null)
  })
}

function answer(bytes: number): Buffer {
  const frame = Buffer.alloc(4 + bytes)
  frame.writeInt32BE(bytes)
  return frame
}

describe('answers', () => {
  const several = Buffer.concat([answer(4), answer(1_000), answer(17)])

  it.each([1, 3, 4, 5, 1_024, several.length])('of the right size pass, in pieces of %s bytes', async (size) => {
    const pieces: Buffer[] = []
    for (let at = 0; at < several.length; at += size) pieces.push(several.subarray(at, at + size))
    expect(await guarded(pieces)).toBe('passed')
  })

  it.each([
    ['too large', Buffer.concat([answer(8), answer(1_001)])],
    ['of a negative size', Buffer.from('ffffffff', 'hex')],
    ['too small for their number', answer(3)],
    ['of another protocol', Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n')],
  ])('%s end the connection', async (_, bytes) => {
    expect(await guarded([bytes])).toMatchObject({ code: 'failedPrecondition' })
  })

  it('that nobody asked for end the connection', async () => {
    expect(await guarded([several], 2)).toMatchObject({ code: 'failedPrecondition' })
  })
})
