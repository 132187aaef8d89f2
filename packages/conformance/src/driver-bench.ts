import {
  systemClock,
  systemRandom,
  type Driver,
  type DriverConnection,
  type DriverEvent,
  type Topology,
  type TopologyChannel,
} from '@waybill/core/driver'
import { eventually } from './time.ts'

/** A connection of a driver by itself, without a core, and what it said. */
export interface Opened {
  readonly connection: DriverConnection
  readonly events: DriverEvent[]
  readonly warnings: string[]
  /** Gives the epoch up. */
  abort(reason?: unknown): void
}

/**
 * A driver without the core, for an adapter's own tests of what the kit cannot know: the broker's own entities, limits and
 * faults. All that it has opened is closed by `close`.
 */
export class DriverBench {
  readonly driver: Driver
  readonly #opened: DriverConnection[] = []

  constructor(driver: Driver) {
    this.driver = driver
  }

  /** A connection that has provisioned `topology`; of another driver where one is given. */
  async open(role: 'send' | 'receive', topology?: Topology, driver: Driver = this.driver): Promise<Opened> {
    const events: DriverEvent[] = []
    const warnings: string[] = []
    const controller = new AbortController()
    const connection = await driver.connect({
      role,
      instance: 'bench',
      clock: systemClock,
      random: systemRandom,
      logger: { warn: (message) => void warnings.push(message) },
      signal: controller.signal,
      report: (event) => void events.push(event),
    })
    this.#opened.push(connection)
    if (topology !== undefined) await connection.provision(topology, 'create')
    return { connection, events, warnings, abort: (reason) => controller.abort(reason) }
  }

  /** Both roles with the same topology. */
  async pair(topology: Topology): Promise<{ sender: Opened; receiver: Opened }> {
    const [sender, receiver] = await Promise.all([this.open('send', topology), this.open('receive', topology)])
    return { sender, receiver }
  }

  async close(): Promise<void> {
    await Promise.all(this.#opened.map((connection) => connection.close()))
  }
}

const run = Math.floor(systemRandom.next() * 2 ** 32).toString(36)
let names = 0

/** A name that no test and no other run has. */
export function freshName(what = 'channel'): string {
  return `unit.${run}.${what}-${++names}`
}

export type TopologyShape = Partial<Omit<TopologyChannel, 'name' | 'groups'>> & {
  readonly groups?: readonly string[]
  readonly delaysMs?: readonly number[]
}

/** One channel with one group called `group`, unless told otherwise. */
export function topologyOf(name: string, shape: TopologyShape = {}): Topology {
  const { keyed = false, groups = ['group'], delaysMs = [], ...rest } = shape
  return { channels: [{ name, keyed, groups: groups.map((group) => ({ name: group, delaysMs })), ...rest }] }
}

/** Resolves once `condition` holds. */
export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
  withinMs = 10_000,
): Promise<void> {
  await eventually(what, condition, { withinMs })
}
