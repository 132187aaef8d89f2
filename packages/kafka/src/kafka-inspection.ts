import type { Inspection } from '@waybill/core/driver'
import type { KafkaAdmin, PartitionOffset } from './kafka-client.ts'

export interface InspectionOptions {
  readonly admin: KafkaAdmin
  /** The consumer group; `undefined`: a temporary one, which nothing but its own listener knows of. */
  readonly group: string | undefined
  readonly topics: readonly string[]
  /** Where listeners of this connection are, in the partitions that they have. */
  readonly next: readonly PartitionOffset[]
}

/**
 * How many records wait to be delivered: behind what was delivered here, or committed by the members elsewhere.
 *
 * In positions of the log: those of compacted records and of markers are counted as well.
 */
export async function inspectGroup({ admin, group, topics, next }: InspectionOptions): Promise<Inspection> {
  const [ends, committed, oldest] = await Promise.all([
    admin.offsetsAt(topics, 'new'),
    group === undefined ? [] : admin.committedOffsets(group, topics),
    admin.offsetsAt(topics, 'oldest'),
  ])
  let ready = 0n
  for (const end of ends) {
    const from = find(next, end) ?? find(committed, end) ?? find(oldest, end) ?? end
    const first = find(oldest, end)?.offset ?? from.offset
    const begin = later(from.offset, first)
    if (end.offset > begin) ready += end.offset - begin
  }
  return { ready: Number(ready) }
}

function find(offsets: readonly PartitionOffset[], { topic, partition }: PartitionOffset): PartitionOffset | undefined {
  return offsets.find((each) => each.topic === topic && each.partition === partition)
}

function later(one: bigint, other: bigint): bigint {
  if (one > other) return one
  return other
}
