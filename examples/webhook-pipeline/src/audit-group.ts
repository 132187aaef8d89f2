import { setImmediate } from 'node:timers/promises'
import { digestOf } from './digest.ts'
import type { Arrival, Group } from './group.ts'
import { GroupTally } from './group-tally.ts'
import type { Shipment } from './shipment.ts'

interface TrailEntry {
  readonly sequence: number
  readonly id: string
  readonly digest: string
}

/** Keeps a trail per repository: everything that arrived, in the order in which it arrived, duplicates included. */
export class AuditGroup implements Group {
  readonly name = 'audit'
  readonly tally = new GroupTally()
  readonly options = { concurrency: 16 }
  readonly #trails = new Map<string, TrailEntry[]>()

  handle(arrival: Arrival): Promise<void> {
    const { key, sequence, id, webhook } = arrival
    return this.tally.run(arrival, String(sequence), async () => {
      const trail = this.#trails.get(key) ?? []
      this.#trails.set(key, trail)
      await setImmediate()
      trail.push({ sequence, id, digest: digestOf(webhook) })
    })
  }

  /** The keys whose trail is not, entry by entry, what was sent. */
  differences(shipments: readonly Shipment[]): readonly string[] {
    const sent = Map.groupBy(shipments, ({ key }) => key)
    const keys = new Set([...sent.keys(), ...this.#trails.keys()])
    return [...keys].filter((key) => textOf(sent.get(key)) !== textOf(this.#trails.get(key)))
  }
}

function textOf(entries: readonly TrailEntry[] | undefined): string {
  return (entries ?? []).map(({ sequence, id, digest }) => `${sequence} ${id} ${digest}`).join('\n')
}
