import type { Inspection } from '@waybill/core/driver'
import type { KafkaAdmin, PartitionOffset } from './kafka-client.ts'
import { findSamePartition } from './kafka-topic-partition.ts'

export interface InspectionOptions {
  readonly admin: KafkaAdmin
  /** The consumer group; `undefined`: a temporary one, which nothing but its own listener knows of. */
  readonly group: string | undefined
  readonly topics: readonly string[]
  /** Where listeners of this connection are, in the partitions that they have. */
  readonly next: readonly PartitionOffset[]
  /** The ends that an earlier inspection found: what came later is not counted. */
  readonly horizon: readonly PartitionOffset[] | undefined
}

/**
 * How many records wait to be delivered: behind what was delivered here, or committed by the members elsewhere.
 *
 * In positions of the log: those of compacted records and of markers count until somebody has come past them.
 */
export async function inspectGroup(options: InspectionOptions): Promise<Inspection> {
  const { admin, group, topics, next, horizon } = options
  const [ends, committed, oldest] = await Promise.all([
    horizon ?? admin.offsetsAt(topics, 'new'),
    group === undefined ? [] : admin.committedOffsets(group, topics),
    admin.offsetsAt(topics, 'oldest'),
  ])
  let ready = 0n
  for (const end of ends) {
    const beginning = findSamePartition(oldest, end)
    const from = findSamePartition(next, end) ?? findSamePartition(committed, end) ?? beginning ?? end
    const first = beginning?.offset ?? from.offset
    const begin = later(from.offset, first)
    if (end.offset > begin) ready += end.offset - begin
  }
  return { ready: Number(ready), horizon: ends }
}

function later(one: bigint, other: bigint): bigint {
  if (one > other) return one
  return other
}
