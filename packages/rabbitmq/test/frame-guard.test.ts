import { describe, expect, test } from 'vitest'
import { FrameGuard } from '../src/rabbitmq-frame-guard.ts'

const header = (size: number, channel = 1) => ({ id: 60, channel, size })
const body = (bytes: number, channel = 1) => ({ channel, content: Buffer.alloc(bytes) })
const mebibyte = 1_048_576

describe('the frame guard', () => {
  test('lets through what a broker sends: full frames, on several channels at once, empty messages, methods', () => {
    const guard = new FrameGuard()
    guard.look(header(0))
    guard.look(header(300_000))
    guard.look(header(10, 2))
    guard.look({ channel: 0 })
    guard.look(body(131_064))
    guard.look(body(10, 2))
    guard.look(body(131_064))
    guard.look({ id: 3_932_220, channel: 2 })
    guard.look(body(37_872))
    guard.look(header(16 * mebibyte))
    for (let left = 16 * mebibyte; left > 0; left -= 4_088) guard.look(body(Math.min(left, 4_088)))
  })

  test.each([
    ['a message that is too large', [header(16 * mebibyte + 1)]],
    ['a size below zero', [header(-1)]],
    ['a size that is no number', [header(Number.NaN)]],
    ['a body without a header', [body(1)]],
    ['a body after the last', [header(1), body(1), body(1)]],
    ['more than was announced', [header(5), body(6)]],
    ['empty bodies without end', [header(5), ...Array.from({ length: 70 }, () => body(0))]],
    ['crumbs', [header(100_000), ...Array.from({ length: 100 }, () => body(1))]],
  ])('refuses %s', (_what, frames) => {
    const guard = new FrameGuard()
    expect(() => {
      for (const each of frames) guard.look(each)
    }).toThrow(/the broker sends/)
  })
})
