export interface Readdressing {
  readonly host: string
  /** Where the broker says that it is. */
  readonly from: number
  /** Where it is to be instead. */
  readonly to: number
}

/**
 * For the answers of one connection: replaces in place where a Kafka says that it is, so that clients come there.
 *
 * Host and port stand together in all versions of its answers, the port as four bytes, and a port has as many as any other.
 */
export function readdress({ host, from, to }: Readdressing): (bytes: Buffer) => void {
  const told = brokerAddress(host, from)
  const instead = brokerAddress(host, to)
  let seen = 0
  return (bytes) => {
    seen = replaceEnd(bytes, told, instead, seen)
  }
}

function brokerAddress(host: string, port: number): Buffer {
  const bytes = Buffer.from(`${host}\0\0\0\0`)
  bytes.writeInt32BE(port, bytes.length - 4)
  return bytes
}

/**
 * Replaces `told` by `instead`, of which only the last two bytes differ, within `bytes` and across the end of what came before.
 *
 * @returns how many of the first bytes of `told` have been seen at the end
 */
function replaceEnd(bytes: Buffer, told: Buffer, instead: Buffer, before: number): number {
  let seen = before
  for (let at = 0; at < bytes.length; at++) {
    if (bytes[at] !== told[seen]) seen = 0
    if (bytes[at] !== told[seen]) continue
    bytes[at] = instead[seen] as number
    seen = (seen + 1) % told.length
  }
  return seen
}
