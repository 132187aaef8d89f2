/** A produce request as it was sent: https://kafka.apache.org/protocol#The_Messages_Produce, versions 3 to 8. */
export interface SentProduce {
  readonly version: number
  readonly acks: number
  readonly timeoutMs: number
  readonly topic: string
  readonly partition: number
  /** Of the batch: compression, transaction. */
  readonly attributes: number
  readonly isIdempotent: boolean
  /** What follows the header of the batch. */
  readonly records: Buffer
}

const sizeBytes = 4
const produceKey = 0
/** https://kafka.apache.org/documentation/#recordbatch */
const batch = { attributes: 21, producerId: 43, records: 61 } as const

/** Reads the client's side of one connection to Kafka, piece by piece. */
export class KafkaFrames {
  readonly produced: SentProduce[] = []
  #rest: Buffer = Buffer.alloc(0)

  /** Takes a piece, and copies it. */
  add(piece: Buffer): void {
    this.#rest = Buffer.concat([this.#rest, piece])
    while (this.#rest.length >= sizeBytes) {
      const end = sizeBytes + this.#rest.readInt32BE(0)
      if (this.#rest.length < end) return
      const request = new FrameReader(this.#rest.subarray(sizeBytes, end))
      if (request.int16() === produceKey) this.produced.push(produceIn(request))
      this.#rest = this.#rest.subarray(end)
    }
  }
}

/** The header of one topic and one partition, as is asked for here. */
function produceIn(request: FrameReader): SentProduce {
  const version = request.int16()
  request.int32()
  request.text()
  request.text()
  const [acks, timeoutMs] = [request.int16(), request.int32()]
  request.int32()
  const topic = request.text()
  request.int32()
  const partition = request.int32()
  const written = request.bytes(request.int32())
  return {
    version,
    acks,
    timeoutMs,
    topic,
    partition,
    attributes: written.readInt16BE(batch.attributes),
    isIdempotent: written.readBigInt64BE(batch.producerId) >= 0n,
    records: written.subarray(batch.records),
  }
}

/** Key and headers of the first record, in the order in which they were written. */
export function firstRecord(records: Buffer): { key: Buffer | null; headers: Record<string, string> } {
  const record = new FrameReader(records)
  record.varint()
  record.bytes(1)
  record.varint()
  record.varint()
  const key = record.varbytes()
  record.varbytes()
  const headers: Record<string, string> = {}
  for (let left = record.varint(); left > 0; left--) {
    const name = String(record.varbytes())
    headers[name] = String(record.varbytes())
  }
  return { key, headers }
}

class FrameReader {
  readonly #frame: Buffer
  #at = 0

  constructor(frame: Buffer) {
    this.#frame = frame
  }

  int16(): number {
    return this.bytes(2).readInt16BE()
  }

  int32(): number {
    return this.bytes(4).readInt32BE()
  }

  /** Empty, too, where there is none. */
  text(): string {
    return this.bytes(Math.max(0, this.int16())).toString()
  }

  /** Zigzag, seven bits to the byte. */
  varint(): number {
    let value = 0
    for (let shift = 0; ; shift += 7) {
      const byte = this.bytes(1)[0] as number
      value |= (byte & 0x7f) << shift
      if (byte < 0x80) return (value >>> 1) ^ -(value & 1)
    }
  }

  varbytes(): Buffer | null {
    const length = this.varint()
    return length < 0 ? null : this.bytes(length)
  }

  bytes(length: number): Buffer {
    this.#at += length
    return this.#frame.subarray(this.#at - length, this.#at)
  }
}
