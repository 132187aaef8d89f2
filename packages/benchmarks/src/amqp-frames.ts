/** A publish as it was sent. Frames: https://www.rabbitmq.com/resources/specs/amqp0-9-1.pdf, 4.2. */
export interface SentPublish {
  readonly exchange: string
  readonly routingKey: string
  readonly mandatory: boolean
  /** The method, header and body payloads, one after another; frame by frame, without channel numbers. */
  readonly payloads: readonly Buffer[]
}

export interface SentConsume {
  readonly queue: string
  readonly noAck: boolean
}

const protocolHeaderBytes = 8
const frameOverheadBytes = 8
const frames = { method: 1, header: 2, body: 3 } as const
const methods = { basicConsume: '60.20', basicPublish: '60.40', basicAck: '60.80', exchangeDeclare: '40.10' } as const
const queueDeclare = '50.10'

/** Reads the client's side of one AMQP 0-9-1 connection, piece by piece. */
export class AmqpFrames {
  readonly publishes: SentPublish[] = []
  readonly consumes: SentConsume[] = []
  readonly exchanges: string[] = []
  readonly queues: string[] = []
  /** The `multiple` flag of each acknowledgement. */
  readonly acks: boolean[] = []
  #rest: Buffer = Buffer.alloc(0)
  #skipped = 0
  /** By channel: the publish whose header and body still come. */
  readonly #open = new Map<number, Buffer[]>()

  /** Takes a piece, and copies it. */
  add(piece: Buffer): void {
    const skip = Math.min(protocolHeaderBytes - this.#skipped, piece.length)
    this.#skipped += skip
    this.#rest = Buffer.concat([this.#rest, piece.subarray(skip)])
    while (this.#rest.length >= frameOverheadBytes) {
      const size = this.#rest.readUInt32BE(3)
      if (this.#rest.length < size + frameOverheadBytes) return
      this.#frame(this.#rest.readUInt8(0), this.#rest.readUInt16BE(1), this.#rest.subarray(7, 7 + size))
      this.#rest = this.#rest.subarray(size + frameOverheadBytes)
    }
  }

  #frame(type: number, channel: number, payload: Buffer): void {
    if (type === frames.method) this.#method(channel, payload)
    else if (type === frames.header || type === frames.body) this.#open.get(channel)?.push(payload)
  }

  #method(channel: number, payload: Buffer): void {
    const name = `${payload.readUInt16BE(0)}.${payload.readUInt16BE(2)}`
    // After the ticket, two reserved bytes: https://www.rabbitmq.com/amqp-0-9-1-reference
    const first = name === methods.basicAck ? '' : shortString(payload, 6)
    if (name === methods.basicPublish) this.#publish(channel, payload, first ?? '')
    else if (name === methods.exchangeDeclare) this.exchanges.push(first ?? '')
    else if (name === queueDeclare) this.queues.push(first ?? '')
    else if (name === methods.basicAck) this.acks.push((payload.readUInt8(12) & 1) === 1)
    else if (name === methods.basicConsume) this.#consume(payload, first ?? '')
  }

  #publish(channel: number, payload: Buffer, exchange: string): void {
    const routingKey = shortString(payload, 7 + Buffer.byteLength(exchange)) ?? ''
    const mandatory = (payload.readUInt8(payload.length - 1) & 1) === 1
    const payloads = [payload]
    this.#open.set(channel, payloads)
    this.publishes.push({ exchange, routingKey, mandatory, payloads })
  }

  #consume(payload: Buffer, queue: string): void {
    const tagAt = 7 + Buffer.byteLength(queue)
    const flagsAt = tagAt + 1 + payload.readUInt8(tagAt)
    this.consumes.push({ queue, noAck: (payload.readUInt8(flagsAt) & 2) === 2 })
  }
}

function shortString(payload: Buffer, at: number): string | undefined {
  if (at >= payload.length) return undefined
  const end = at + 1 + payload.readUInt8(at)
  return end > payload.length ? undefined : payload.toString('utf8', at + 1, end)
}
