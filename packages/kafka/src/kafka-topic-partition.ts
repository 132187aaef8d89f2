import type { TopicPartition } from './kafka-client.ts'

/** What there is of the same partition as `place`. */
export function findSamePartition<T extends TopicPartition>(all: readonly T[], place: TopicPartition): T | undefined {
  return all.find(({ topic, partition }) => partition === place.partition && topic === place.topic)
}
