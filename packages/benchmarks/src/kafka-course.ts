import type { Course } from './contestant.ts'

export interface KafkaCourse extends Course {
  /** `host:port` */
  readonly broker: string
  /** It has one partition. */
  readonly topic: string
  /** The consumer group that all use in turns. */
  readonly group: string
  readonly timeoutMs: number
  /** As Waybill writes them. */
  readonly key: Buffer | null
  readonly headers: { readonly [name: string]: string }
}

/** What fits a request beside its headers: Kafka takes batches of 1 MiB unless told otherwise. */
const batchBytes = 1_000_000
const envelopeBytes = 512

/**
 * How long a broker may hold a request for records while there are none, for all alike. Who disconnects waits for that
 * one, five seconds unless told otherwise; while there are records nobody waits.
 */
export const maxWaitMs = 500

/** How many messages of that size go into one request. */
export function batchOf(body: Buffer): number {
  return Math.max(1, Math.floor(batchBytes / (body.byteLength + envelopeBytes)))
}
