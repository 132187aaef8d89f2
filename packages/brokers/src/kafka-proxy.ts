import { type FaultProxy, type FaultProxyOptions, startFaultProxy } from './fault-proxy.ts'
import { firstBroker } from './kafka-greeting.ts'

/**
 * Starts a fault proxy in front of one of a Kafka's listeners without TLS, at the address it tells clients, and keeps them.
 *
 * Kafka tells clients where its brokers are, and they connect there: past a proxy that only forwards. So in what the broker
 * answers its own port is replaced by the proxy's, which has as many bytes. `onData` sees everything before that.
 *
 * @throws `startFailed` when it cannot listen
 */
export async function startKafkaProxy(
  url: string,
  { onData }: Pick<FaultProxyOptions, 'onData'> = {},
): Promise<FaultProxy> {
  const { hostname: host, port } = firstBroker(url)
  const told = brokerAddress(host, Number(port))
  let instead = told
  const seen = new Map<number, number>()
  const proxy = await startFaultProxy({
    host,
    target: { host, port: Number(port) },
    onData(passage) {
      onData?.(passage)
      const { connection, direction, bytes } = passage
      if (direction === 'toClient') seen.set(connection, replaceEnd(bytes, told, instead, seen.get(connection) ?? 0))
    },
  })
  instead = brokerAddress(host, proxy.port)
  return proxy
}

/** A broker's place as all versions of Kafka's answers write it: the host, and the port as four bytes. */
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
