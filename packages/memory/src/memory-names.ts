import type { Address, Topology, TopologyChannel } from '@waybill/core/driver'
import type { MemoryChannel } from './memory-channel.ts'
import { MemoryBrokerError, notFound } from './memory-errors.ts'
import type { MemoryGroup } from './memory-group.ts'
import type { MemoryLane } from './memory-lane.ts'

interface Alias {
  readonly channel: string
  /** By the names that the core uses: the broker's own, and where its dead letters are. */
  readonly groups: ReadonlyMap<string, { readonly name: string; readonly dead: string | undefined }>
}

/**
 * Finds what an address means in the broker: by its name, or by the existing entity that provisioning named instead.
 *
 * A group's address is another group of the same channel, or `channel/group`; so is that of its dead letters.
 */
export class MemoryNames {
  readonly #channels: ReadonlyMap<string, MemoryChannel>
  readonly #aliases = new Map<string, Alias>()

  constructor(channels: ReadonlyMap<string, MemoryChannel>) {
    this.#channels = channels
  }

  learn(topology: Topology): void {
    for (const channel of topology.channels) {
      if (hasAddress(channel)) this.#aliases.set(channel.name, aliasOf(channel))
      else this.#aliases.delete(channel.name)
    }
  }

  /** @throws MemoryBrokerError `notFound` */
  channel(name: string): MemoryChannel {
    const found = this.#channels.get(this.#aliases.size === 0 ? name : (this.#aliases.get(name)?.channel ?? name))
    if (found === undefined) throw notFound(`channel "${name}"`)
    return found
  }

  /** @throws MemoryBrokerError `notFound` */
  group(channel: string, group: string): MemoryGroup {
    if (this.#aliases.size === 0) return this.#groupAt(channel, group)
    return this.#groupAt(channel, this.#aliases.get(channel)?.groups.get(group)?.name ?? group)
  }

  /** `undefined`: there is no such group. */
  find(channel: string, group: string): MemoryGroup | undefined {
    try {
      return this.group(channel, group)
    } catch (error) {
      if (error instanceof MemoryBrokerError && error.code === 'notFound') return undefined
      throw error
    }
  }

  /** The groups that a message to this address reaches. */
  groups(to: Address): MemoryGroup[] {
    if (to.group !== undefined) return [this.group(to.channel, to.group)]
    return [...this.channel(to.channel).groups.values()]
  }

  /** @throws MemoryBrokerError `notFound` */
  lane({ channel, group, lane }: Extract<Address, { group: string }>): MemoryLane {
    const dead = lane === 'dead' ? this.#aliases.get(channel)?.groups.get(group)?.dead : undefined
    if (dead !== undefined) return this.#groupAt(channel, dead).main
    const found = this.group(channel, group).lane(lane)
    if (found !== undefined) return found
    const what = `lane "${lane}" of group "${group}" of channel "${channel}"`
    throw new MemoryBrokerError('notFound', `${what} does not exist; provision the group with this delay first`)
  }

  #groupAt(channel: string, address: string): MemoryGroup {
    const slash = address.indexOf('/')
    const holder = slash < 0 ? this.channel(channel) : this.#channels.get(address.slice(0, slash))
    const found = holder?.groups.get(address.slice(slash + 1))
    if (found === undefined) throw notFound(`group "${address}" of channel "${channel}"`)
    return found
  }
}

function hasAddress(channel: TopologyChannel): boolean {
  if (channel.address !== undefined) return true
  return channel.groups.some((group) => group.address !== undefined || group.deadLetterAddress !== undefined)
}

function aliasOf(channel: TopologyChannel): Alias {
  return {
    channel: channel.address ?? channel.name,
    groups: new Map(
      channel.groups.map(({ name, address, deadLetterAddress }) => [
        name,
        { name: address ?? name, dead: deadLetterAddress },
      ]),
    ),
  }
}
