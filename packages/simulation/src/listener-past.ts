import type { ConnectionPast } from './connection-past.ts'
import type { Holding } from './holding.ts'

/** What is known of a listener from the events so far. */
export class ListenerPast {
  readonly connection: ConnectionPast
  readonly lane: string
  readonly mostOpen: number
  open = 0
  /** It was told to. */
  drains = false
  /** It has, and nobody was in the way. */
  isDrained = false
  hasEnded = false
  /** From then on it took nothing more by its own will. */
  overAtMs = Infinity
  readonly holdings: Holding[] = []

  constructor(connection: ConnectionPast, lane: string, mostOpen: number) {
    this.connection = connection
    this.lane = lane
    this.mostOpen = mostOpen
  }

  get heardUntilMs(): number {
    return Math.min(this.overAtMs, this.connection.overAtMs)
  }

  get isOver(): boolean {
    return this.drains || this.hasEnded
  }
}
