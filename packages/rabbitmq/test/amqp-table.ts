import type { ForeignHeader, ForeignValue } from '@waybill/conformance'

/** Headers as bytes, in ways in which amqplib would not write them. https://www.rabbitmq.com/amqp-0-9-1-errata#section_3 */
export function encodeTable(entries: readonly ForeignHeader[]): Buffer {
  return sized(
    entries.flatMap(([name, value]) => {
      const short = name.subarray(0, 255)
      return [Buffer.of(short.length), Buffer.from(short), encodeValue(value)]
    }),
  )
}

function encodeValue(value: ForeignValue): Buffer {
  switch (value.kind) {
    case 'text':
      return tagged('S', sized([Buffer.from(value.bytes)]))
    case 'bytes':
      return tagged('x', sized([Buffer.from(value.bytes)]))
    case 'integer':
      return tagged(
        'l',
        number(8, (bytes) => bytes.writeBigInt64BE(value.value)),
      )
    case 'time':
      return tagged(
        'T',
        number(8, (bytes) => bytes.writeBigUInt64BE(value.value)),
      )
    case 'number':
      return tagged(
        'd',
        number(8, (bytes) => bytes.writeDoubleBE(value.value)),
      )
    case 'truth':
      return tagged('t', Buffer.of(value.value ? 1 : 0))
    case 'nothing':
      return tagged('V', Buffer.alloc(0))
    case 'decimal':
      return tagged(
        'D',
        Buffer.concat([Buffer.of(value.places), number(4, (bytes) => bytes.writeUInt32BE(value.digits))]),
      )
    case 'list':
      return tagged('A', sized(value.items.map(encodeValue)))
    case 'table':
      return tagged('F', encodeTable(value.entries))
  }
}

function tagged(tag: string, content: Buffer): Buffer {
  return Buffer.concat([Buffer.from(tag, 'latin1'), content])
}

function number(size: number, write: (bytes: Buffer) => void): Buffer {
  const bytes = Buffer.alloc(size)
  write(bytes)
  return bytes
}

function sized(parts: readonly Buffer[]): Buffer {
  const content = Buffer.concat(parts)
  return Buffer.concat([number(4, (bytes) => bytes.writeUInt32BE(content.length)), content])
}
