import { MessagingError, type ListenStart } from '@waybill/core/driver'
import type { KafkaAdmin, PartitionOffset, TopicPartition } from './kafka-client.ts'
import { findSamePartition } from './kafka-topic-partition.ts'

export interface StartOptions {
  readonly admin: KafkaAdmin
  /** The channel's: nothing else is replayed. */
  readonly topic: string
  /** The partitions that are concerned; positions in others are for other members. */
  readonly partitions: readonly number[]
  readonly from: ListenStart
}

/**
 * The offsets that `from` says; partitions that it says nothing of are left out. Conformance: TOP-13.
 *
 * @throws MessagingError `failedPrecondition` on a position that the log does not have.
 */
export async function startsIn({ admin, topic, partitions, from }: StartOptions): Promise<readonly PartitionOffset[]> {
  const isConcerned = ({ partition }: TopicPartition) => partitions.includes(partition)
  if (from === 'new' || partitions.length === 0) return []
  if (from === 'oldest') return (await admin.offsetsAt([topic], 'oldest')).filter(isConcerned)
  if (from.timeMs !== undefined) return (await admin.offsetsAt([topic], from.timeMs)).filter(isConcerned)
  const starts = positionsIn(topic, from.positions).filter(isConcerned)
  if (starts.length === 0) return []
  const [oldest, ends] = await Promise.all([admin.offsetsAt([topic], 'oldest'), admin.offsetsAt([topic], 'new')])
  for (const start of starts) {
    checkReach(start, findSamePartition(oldest, start)?.offset, findSamePartition(ends, start)?.offset)
  }
  return starts
}

/** @throws MessagingError `invalidArgument` on what is no position in the topic. */
export function positionsIn(topic: string, positions: readonly string[]): readonly PartitionOffset[] {
  const found = positions.map((position) => positionIn(topic, position))
  const twice = found.find(({ partition }, index) => found.findIndex((each) => each.partition === partition) < index)
  if (twice === undefined) return found
  throw refused('invalidArgument', `startFrom names two positions in partition ${twice.partition} of "${topic}"`)
}

/** As deliveries and failure records name them: `orders.placed/0@120`. */
function positionIn(topic: string, position: string): PartitionOffset {
  const [, name, partition, offset] = /^([^/]+)\/(\d{1,9})@(\d{1,19})$/.exec(position) ?? []
  if (name === topic && partition !== undefined && offset !== undefined) {
    return { topic, partition: Number(partition), offset: BigInt(offset) }
  }
  const example = `one is written "${topic}/0@120"`
  throw refused('invalidArgument', `startFrom: ${JSON.stringify(position)} is no position in "${topic}"; ${example}`)
}

function checkReach({ topic, partition, offset }: PartitionOffset, oldest?: bigint, end?: bigint): void {
  const what = `"${topic}/${partition}@${offset}"`
  if (oldest === undefined || end === undefined)
    throw refused('failedPrecondition', `startFrom: ${what} is in a partition that is not there`)
  if (offset < oldest)
    throw refused('failedPrecondition', `startFrom: ${what} is gone; the oldest there is at ${oldest}`)
  if (offset > end) throw refused('failedPrecondition', `startFrom: there is nothing yet at ${what}; the end is ${end}`)
}

function refused(code: 'invalidArgument' | 'failedPrecondition', what: string): MessagingError {
  return new MessagingError(code, what, { system: 'kafka' })
}

/** Of where each partition begins without and with a start that reaches back, the earlier. */
export function earlier(
  begins: readonly PartitionOffset[],
  starts: readonly PartitionOffset[],
): readonly PartitionOffset[] {
  return begins.map((begin) => {
    const start = findSamePartition(starts, begin)
    return start !== undefined && start.offset < begin.offset ? start : begin
  })
}
