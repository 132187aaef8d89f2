import { connect } from 'node:net'
import type { ForeignMessage, ForeignValue } from '@waybill/conformance'
import {
  basicClass,
  framesOf,
  frameTypes,
  idOf,
  type MethodName,
  methodFrame,
  protocolHeader,
  wholeFrame,
} from './amqp-protocol.ts'
import { encodeTable } from './amqp-table.ts'

const amqpChannel = 1
const bodyBytes = 130_000
const deadlineMs = 20_000
/** The broker itself acts on these, and closes the amqp channel of who writes anything but a list of texts. */
const routing = new Set(['CC', 'BCC'])
const properties = { contentType: 1 << 15, headers: 1 << 13, deliveryMode: 1 << 12 }

/**
 * Publishes to a queue over a connection of its own, each header byte for byte as given. Resolves when the broker has
 * confirmed all; rejects when it closes instead.
 */
export async function publishForeign(url: string, queue: string, messages: readonly ForeignMessage[]): Promise<void> {
  const { hostname, port, username, password } = new URL(url)
  const socket = connect(Number(port) || 5672, hostname)
  const late = setTimeout(() => socket.destroy(new Error('the broker does not confirm')), deadlineMs)
  try {
    await new Promise<void>((resolve, reject) => {
      const response = Buffer.from(
        `\0${decodeURIComponent(username || 'guest')}\0${decodeURIComponent(password || 'guest')}`,
      )
      const open = new Set(messages.map((_, index) => index + 1))
      const steps: { readonly [method: string]: () => void } = {
        ConnectionStart: () =>
          write('ConnectionStartOk', 0, { clientProperties: {}, mechanism: 'PLAIN', response, locale: 'en_US' }),
        ConnectionTune() {
          write('ConnectionTuneOk', 0, { channelMax: 8, frameMax: 131_072, heartbeat: 0 })
          write('ConnectionOpen', 0, { virtualHost: '/' })
        },
        ConnectionOpenOk: () => write('ChannelOpen', amqpChannel, {}),
        ChannelOpenOk: () => write('ConfirmSelect', amqpChannel, {}),
        ConfirmSelectOk() {
          for (const message of messages) socket.write(publishFrames(queue, message))
          if (messages.length === 0) resolve()
        },
      }
      const step = new Map(Object.entries(steps).map(([name, take]) => [idOf(name as MethodName), take]))
      const write = (name: MethodName, channel: number, fields: object) =>
        socket.write(methodFrame(name, channel, fields))
      const onFrame = framesOf((type, _channel, payload) => {
        if (type !== frameTypes.method) return
        const id = payload.readUInt32BE(0)
        step.get(id)?.()
        if (id === idOf('BasicAck')) {
          const tag = Number(payload.readBigUInt64BE(4))
          const isMultiple = payload.readUInt8(12) === 1
          for (let each = isMultiple ? 1 : tag; each <= tag; each++) open.delete(each)
          if (open.size === 0) resolve()
        }
        const isOver = id === idOf('ChannelClose') || id === idOf('ConnectionClose') || id === idOf('BasicNack')
        if (isOver) reject(new Error(`the broker refuses: ${payload.toString('latin1').slice(0, 300)}`))
      })
      socket.on('data', onFrame).on('error', reject)
      socket.on('close', () => reject(new Error('the broker hung up')))
      socket.write(protocolHeader)
    })
  } finally {
    clearTimeout(late)
    socket.destroy()
  }
}

function publishFrames(queue: string, { headers, contentType, body }: ForeignMessage): Buffer {
  const kept = headers.filter(([name, value]) => !routing.has(Buffer.from(name).toString()) && isReadable(value))
  const short = contentType === undefined ? [] : [Buffer.of(Buffer.byteLength(contentType)), Buffer.from(contentType)]
  const head = Buffer.alloc(14)
  head.writeUInt16BE(basicClass, 0)
  head.writeBigUInt64BE(BigInt(body.length), 4)
  head.writeUInt16BE(
    properties.headers | properties.deliveryMode | (contentType === undefined ? 0 : properties.contentType),
    12,
  )
  const header = Buffer.concat([head, ...short, encodeTable(kept), Buffer.of(2)])
  const bodies: Buffer[] = []
  for (let at = 0; at < body.length; at += bodyBytes) {
    bodies.push(wholeFrame(frameTypes.body, amqpChannel, Buffer.from(body.subarray(at, at + bodyBytes))))
  }
  const publish = methodFrame('BasicPublish', amqpChannel, { exchange: '', routingKey: queue, mandatory: true })
  return Buffer.concat([publish, wholeFrame(frameTypes.header, amqpChannel, header), ...bodies])
}

/**
 * Erlang has neither infinity nor NaN: RabbitMQ 4.0.5 fails to parse one, and hangs up on who wrote it (INTERNAL_ERROR).
 * Such a message never gets in.
 */
function isReadable(value: ForeignValue): boolean {
  switch (value.kind) {
    case 'number':
      return Number.isFinite(value.value)
    case 'list':
      return value.items.every(isReadable)
    case 'table':
      return value.entries.every(([, each]) => isReadable(each))
    default:
      return true
  }
}
