import type { Configuration } from '@waybill/core'

/** A broker that keeps past messages; on Kafka, the last one of each customer for ever. */
export function brokerAt(url = 'memory:?profile=lanes'): Configuration {
  const topology = /^kafkas?:/.test(url) ? { compacted: true } : {}
  return { connections: { main: url }, channels: { customers: { connection: 'main', topology } } }
}
