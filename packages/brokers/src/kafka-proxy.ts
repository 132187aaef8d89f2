import { type FaultProxy, type FaultProxyOptions, startFaultProxy } from './fault-proxy.ts'
import { firstBroker } from './kafka-greeting.ts'
import { readdress } from './kafka-readdressing.ts'

/**
 * Starts a fault proxy in front of one of a Kafka's listeners without TLS, at the address it tells clients, and keeps them.
 *
 * Kafka tells clients where its brokers are, and they connect there: past a proxy that only forwards. So in what the broker
 * answers its own port is replaced by the proxy's. `onData` sees everything before that.
 *
 * @throws `startFailed` when it cannot listen
 */
export async function startKafkaProxy(
  url: string,
  { onData }: Pick<FaultProxyOptions, 'onData'> = {},
): Promise<FaultProxy> {
  const { hostname: host, port } = firstBroker(url)
  const from = Number(port)
  const rewrites = new Map<number, (bytes: Buffer) => void>()
  const proxy = await startFaultProxy({
    host,
    target: { host, port: from },
    onData(passage) {
      onData?.(passage)
      const { connection, direction, bytes } = passage
      if (direction !== 'toClient') return
      const rewrite = rewrites.get(connection) ?? readdress({ host, from, to: proxy.port })
      rewrites.set(connection, rewrite)
      rewrite(bytes)
    },
  })
  return proxy
}
