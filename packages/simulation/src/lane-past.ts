import type { ListenerPast } from './listener-past.ts'
import type { ShardPast } from './shard-past.ts'

/** What is known of a lane from the events so far. */
export class LanePast {
  readonly listeners: ListenerPast[] = []
  readonly shards = new Map<string, ShardPast>()
  /** By id, the places where the message stands. */
  readonly placesOf = new Map<string, Set<string>>()
  /** By topic and key, the shard that has it. */
  readonly shardOf = new Map<string, string>()

  /** Until then somebody listened: what came later may still stand there. */
  get heardUntilMs(): number {
    return Math.max(0, ...this.listeners.map((listener) => listener.heardUntilMs))
  }
}
