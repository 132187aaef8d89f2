import type { ChannelDefinition } from './channel.ts'
import type { ChannelRoute } from './connection-routes.ts'
import type { TopologyChannel, TopologyGroup, TopologyReport } from './driver/driver.ts'
import { MessagingError } from './messaging-error.ts'

export type ProvisionMode = 'create' | 'verify' | 'known'

/** One channel as it must be in every epoch. */
export interface Provision {
  readonly channel: TopologyChannel
  readonly mode: ProvisionMode
}

/** What a caller needs of a channel. */
export interface TopologyNeed {
  readonly name: string
  readonly keyed: boolean
  readonly groups: readonly { readonly name: string; readonly delaysMs: readonly number[] }[]
}

/** What all producers and consumers of one connection need of the broker, merged; asked for again in each epoch. */
export class TopologyRegistry {
  readonly #provisions = new Map<string, Provision>()
  readonly #lanes = new Map<string, readonly number[]>()

  all(): Provision[] {
    return [...this.#provisions.values()]
  }

  get(name: string): Provision | undefined {
    return this.#provisions.get(name)
  }

  /** The need merged with what is known already. Does not remember it: `keep` does. */
  merge(need: TopologyNeed, route: ChannelRoute, mode: ProvisionMode = modeOf(route)): Provision {
    const before = this.#provisions.get(need.name)
    if (before !== undefined && before.channel.keyed !== need.keyed) {
      throw new MessagingError(
        'invalidArgument',
        `channel "${need.name}" is declared with ordering: 'key' in one place and without in another; declare it once`,
        { channel: need.name },
      )
    }
    const groups = new Map(before?.channel.groups.map((group) => [group.name, group]))
    for (const { name, delaysMs } of need.groups) {
      const known = groups.get(name)?.delaysMs ?? []
      groups.set(name, groupOf(name, [...known, ...delaysMs], route))
    }
    return {
      mode: before !== undefined && before.mode !== 'known' ? before.mode : mode,
      channel: {
        name: need.name,
        keyed: need.keyed,
        groups: [...groups.values()],
        ...(route.address === undefined ? {} : { address: route.address }),
        ...(Object.keys(route.settings).length === 0 ? {} : { settings: route.settings }),
      },
    }
  }

  keep(provision: Provision): void {
    this.#provisions.set(provision.channel.name, provision)
  }

  /** What the broker told of its delay lanes, when it was last provisioned. */
  found({ lanes = [] }: TopologyReport): void {
    for (const { channel, group, delaysMs } of lanes) this.#lanes.set(laneKey(channel, group), delaysMs)
  }

  /** The delay lanes that a group has, whoever made them. */
  lanesOf(channel: string, group: string): readonly number[] {
    return this.#lanes.get(laneKey(channel, group)) ?? []
  }

  /** Whether `provision` asks for nothing that was not there. */
  covers({ channel, mode }: Provision): boolean {
    const known = this.#provisions.get(channel.name)
    if (known === undefined || known.mode !== mode) return false
    return channel.groups.every((group) =>
      known.channel.groups.some(
        (each) => each.name === group.name && group.delaysMs.every((delayMs) => each.delaysMs.includes(delayMs)),
      ),
    )
  }
}

function laneKey(channel: string, group: string): string {
  return `${channel}\n${group}`
}

export function needOf(channel: ChannelDefinition): TopologyNeed {
  return { name: channel.name, keyed: channel.keyed, groups: channel.groups.map((name) => ({ name, delaysMs: [] })) }
}

function modeOf(route: ChannelRoute): ProvisionMode {
  return route.provision === 'none' ? 'known' : route.provision
}

function groupOf(name: string, delaysMs: readonly number[], route: ChannelRoute): TopologyGroup {
  const found = Object.hasOwn(route.groups, name) ? route.groups[name] : undefined
  return {
    name,
    delaysMs: [...new Set(delaysMs)].sort((a, b) => a - b),
    ...(found?.address === undefined ? {} : { address: found.address }),
    ...(found?.deadLetterAddress === undefined ? {} : { deadLetterAddress: found.deadLetterAddress }),
  }
}
