import type { Holding } from './holding.ts'
import type { LanePast } from './lane-past.ts'

/** A part of a lane with an order of its own. */
export class ShardPast {
  readonly lane: LanePast
  /** In the order in which they began. */
  readonly holdings: Holding[] = []
  /** What is known to stand at each place. */
  readonly ids = new Map<number, string>()
  /** Places that some holder accepted while it held. */
  readonly accepted = new Set<number>()

  constructor(lane: LanePast) {
    this.lane = lane
  }

  get latest(): Holding | undefined {
    return this.holdings.at(-1)
  }

  /** No more than this can be committed. */
  get reach(): number {
    return Math.max(0, ...this.holdings.map(({ prefix }) => prefix))
  }
}
