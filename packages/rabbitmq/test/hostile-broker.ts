import type { Socket } from 'node:net'
import { endless, noise, startHostileServer } from '@waybill/brokers'
import type { HostileBroker } from '@waybill/conformance'
import {
  basicClass,
  frameBeginning,
  framesOf,
  frameTypes,
  idOf,
  type MethodName,
  methodFrame,
  protocolHeader,
  wholeFrame,
} from './amqp-protocol.ts'

const tune = { channelMax: 2_047, frameMax: 131_072, heartbeat: 60 }
const start = {
  versionMajor: 0,
  versionMinor: 9,
  serverProperties: {},
  mechanisms: Buffer.from('PLAIN'),
  locales: Buffer.from('en_US'),
}
const zeros = Buffer.alloc(65_536)

/** When the client asks to open: instead of greeting it. Or once it consumes: instead of deliveries. */
interface Attack {
  readonly at: 'greeting' | 'delivery'
  readonly pieces: () => Iterable<Buffer>
  readonly everyMs?: number
}

let deliveryTag = 0
const deliver = (): Buffer =>
  methodFrame('BasicDeliver', consumingOn, {
    consumerTag,
    deliveryTag: ++deliveryTag,
    redelivered: false,
    exchange: '',
    routingKey: 'x',
  })
const header = (size: bigint): Buffer => {
  const payload = Buffer.alloc(14)
  payload.writeUInt16BE(basicClass, 0)
  payload.writeBigUInt64BE(size, 4)
  return wholeFrame(frameTypes.header, consumingOn, payload)
}
const body = (bytes: Buffer): Buffer => wholeFrame(frameTypes.body, consumingOn, bytes)
const announced = (size: bigint): Buffer => Buffer.concat([deliver(), header(size)])
const crumbs = (bytes: number): Buffer => Buffer.concat(new Array<Buffer>(4_000).fill(body(Buffer.alloc(bytes))))

function* deliveries(): Iterable<Buffer> {
  const content = body(Buffer.alloc(60_000))
  for (;;) yield Buffer.concat([announced(60_000n), content])
}

/** Tables in tables, as deep as one frame takes them. */
function nested(depth: number): Buffer {
  const open = Buffer.alloc(depth * 7)
  for (let level = 0; level < depth; level++) {
    open.write('\x01aF', level * 7, 'latin1')
    open.writeUInt32BE((depth - level - 1) * 7, level * 7 + 3)
  }
  const table = Buffer.alloc(4)
  table.writeUInt32BE(open.length, 0)
  return Buffer.concat([table, open])
}

function deepHeaders(): Buffer {
  const head = Buffer.alloc(14)
  head.writeUInt16BE(basicClass, 0)
  head.writeBigUInt64BE(1n, 4)
  head.writeUInt16BE(1 << 13, 12)
  return Buffer.concat([
    deliver(),
    wholeFrame(frameTypes.header, consumingOn, Buffer.concat([head, nested(18_000)])),
    body(Buffer.of(1)),
  ])
}

let consumerTag = ''
let consumingOn = 1

/** What it does instead of being a broker. */
export const attacks: { readonly [name: string]: Attack } = {
  'a greeting of 4 GiB': {
    at: 'greeting',
    pieces: () => endless(frameBeginning(frameTypes.method, 0, 0xffff_ffff, zeros), zeros),
  },
  'a greeting of 60 MiB': {
    at: 'greeting',
    pieces: () => endless(frameBeginning(frameTypes.method, 0, 60 << 20, zeros), zeros),
  },
  'garbage for a greeting': { at: 'greeting', pieces: () => endless(noise(65_536, 7), noise(65_536, 9)) },
  'garbage in a frame': {
    at: 'greeting',
    pieces: () =>
      endless(wholeFrame(frameTypes.method, 0, noise(1_000, 3)), wholeFrame(frameTypes.method, 0, noise(1_000, 5))),
  },
  'a greeting that drips': {
    at: 'greeting',
    everyMs: 40,
    pieces: () => endless(frameBeginning(frameTypes.method, 0, 4_000, Buffer.alloc(0)), Buffer.alloc(1)),
  },
  'another protocol': { at: 'greeting', pieces: () => [Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n')] },
  'a frame of 4 GiB': {
    at: 'delivery',
    pieces: () => endless(frameBeginning(frameTypes.body, consumingOn, 0xffff_ffff, zeros), zeros),
  },
  'a frame of 60 MiB': {
    at: 'delivery',
    pieces: () => endless(frameBeginning(frameTypes.body, consumingOn, 60 << 20, zeros), zeros),
  },
  garbage: { at: 'delivery', pieces: () => endless(noise(65_536, 11), noise(65_536, 13)) },
  'a message without end': { at: 'delivery', pieces: () => endless(announced(1n << 62n), body(Buffer.alloc(131_000))) },
  'a message of nothing, without end': { at: 'delivery', pieces: () => endless(announced(1_000_000n), crumbs(0)) },
  'a message in single bytes': { at: 'delivery', pieces: () => endless(announced(16_000_000n), crumbs(1)) },
  'a body that nobody announced': { at: 'delivery', pieces: () => endless(body(zeros), body(zeros)) },
  'deliveries without end': { at: 'delivery', pieces: deliveries },
  'headers as deep as a frame': { at: 'delivery', pieces: () => [deepHeaders()] },
}

/** A server that shakes hands and then does what `attack` says, to every client alike. */
export async function startHostileBroker(attack: string): Promise<HostileBroker> {
  const { at, pieces, everyMs = 0 } = attacks[attack] as Attack
  const server = await startHostileServer({
    everyMs,
    onClient(client, pour) {
      if (at === 'delivery') return converse(client, () => pour(pieces()))
      client.resume()
      pour(pieces())
    },
  })
  return {
    url: `amqp://127.0.0.1:${server.port}?connectTimeoutMs=1000`,
    get attacked() {
      return server.attacked
    },
    get left() {
      return server.left
    },
    close: () => server.close(),
  }
}

/** What is answered to each method, where that is a mere yes. */
const answers: { readonly [method: string]: readonly [MethodName, object] } = {
  ConnectionStartOk: ['ConnectionTune', tune],
  ConnectionOpen: ['ConnectionOpenOk', {}],
  ConnectionClose: ['ConnectionCloseOk', {}],
  ChannelOpen: ['ChannelOpenOk', {}],
  ChannelClose: ['ChannelCloseOk', {}],
  ConfirmSelect: ['ConfirmSelectOk', {}],
  BasicQos: ['BasicQosOk', {}],
  ExchangeDeclare: ['ExchangeDeclareOk', {}],
  ExchangeBind: ['ExchangeBindOk', {}],
  QueueDeclare: ['QueueDeclareOk', { queue: 'q', messageCount: 0, consumerCount: 0 }],
  QueueBind: ['QueueBindOk', {}],
}
const answerTo = new Map(Object.entries(answers).map(([method, answer]) => [idOf(method as MethodName), answer]))

/** Says yes to everything, up to the first consumer. */
function converse(socket: Socket, onConsume: () => void): void {
  const onFrame = framesOf((type, channel, payload) => {
    if (type !== frameTypes.method) return
    const id = payload.readUInt32BE(0)
    const [name, fields] = answerTo.get(id) ?? []
    if (name !== undefined && fields !== undefined) socket.write(methodFrame(name, channel, fields))
    if (id !== idOf('BasicConsume')) return
    const tagAt = 7 + payload.readUInt8(6)
    consumerTag = payload.toString('utf8', tagAt + 1, tagAt + 1 + payload.readUInt8(tagAt)) || 'hostile'
    consumingOn = channel
    socket.write(methodFrame('BasicConsumeOk', channel, { consumerTag }))
    onConsume()
  })
  socket.once('data', (first: Buffer) => {
    socket.write(methodFrame('ConnectionStart', 0, start))
    onFrame(first.subarray(protocolHeader.length))
    socket.on('data', onFrame)
  })
}
