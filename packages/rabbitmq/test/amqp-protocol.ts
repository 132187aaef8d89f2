import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

/** amqplib's own tables, for either side of the talk. */
interface Definitions {
  encodeMethod(id: number, channel: number, fields: object): Buffer
  decode(id: number, payload: Buffer): { readonly [field: string]: unknown }
  readonly [name: string]: unknown
}

const require = createRequire(import.meta.url)
const definitions = require(join(dirname(require.resolve('amqplib')), 'lib/defs.js')) as Definitions

export type MethodName = `${'Connection' | 'Channel' | 'Confirm' | 'Basic' | 'Queue' | 'Exchange'}${string}`

export const idOf = (name: MethodName): number => definitions[name] as number

/** A whole method frame. */
export const methodFrame = (name: MethodName, channel: number, fields: object): Buffer =>
  definitions.encodeMethod(idOf(name), channel, fields)

export const frameTypes = { method: 1, header: 2, body: 3 } as const
/** https://www.rabbitmq.com/amqp-0-9-1-reference#class.basic */
export const basicClass = 60
export const protocolHeader = Buffer.from('AMQP\0\0\x09\x01', 'latin1')

/** The beginning of a frame that says it has `size` bytes. */
export function frameBeginning(type: number, channel: number, size: number, payload: Buffer): Buffer {
  const header = Buffer.alloc(7)
  header.writeUInt8(type, 0)
  header.writeUInt16BE(channel, 1)
  header.writeUInt32BE(size, 3)
  return Buffer.concat([header, payload])
}

export const wholeFrame = (type: number, channel: number, payload: Buffer): Buffer =>
  Buffer.concat([frameBeginning(type, channel, payload.length, payload), Buffer.of(0xce)])

/** Calls `onFrame` for each whole frame among pieces of any size. */
export function framesOf(onFrame: (type: number, channel: number, payload: Buffer) => void): (piece: Buffer) => void {
  let rest: Buffer = Buffer.alloc(0)
  return (piece) => {
    rest = Buffer.concat([rest, piece])
    while (rest.length >= 8 && rest.length >= rest.readUInt32BE(3) + 8) {
      const size = rest.readUInt32BE(3)
      const [type, channel, payload] = [rest.readUInt8(0), rest.readUInt16BE(1), rest.subarray(7, 7 + size)]
      rest = rest.subarray(size + 8)
      onFrame(type, channel, payload)
    }
  }
}
