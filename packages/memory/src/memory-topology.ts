import type { Capabilities, Topology, TopologyChannel, TopologyGroup, TopologyReport } from '@waybill/core/driver'
import type { MemoryBroker } from './memory-broker.ts'
import { MemoryChannel } from './memory-channel.ts'
import { MemoryBrokerError } from './memory-errors.ts'
import type { MemoryGroup } from './memory-group.ts'
import type { MemoryNames } from './memory-names.ts'

interface Site {
  readonly broker: MemoryBroker
  readonly capabilities: Capabilities
  readonly names: MemoryNames
}

/**
 * Makes channels and groups exist, or checks that they do. Nothing is made before everything was checked.
 *
 * @throws MemoryBrokerError `failedPrecondition`, `notFound`, `invalidArgument`. Conformance: TOP-07, TOP-08, TOP-09.
 */
export function provision(site: Site, topology: Topology, mode: 'create' | 'verify' | 'known'): TopologyReport {
  site.names.learn(topology)
  if (mode === 'known') return { entities: [], ...lanesOf(site, topology) }
  for (const channel of topology.channels) check(site, channel, mode)
  const entities = topology.channels.flatMap((channel) => make(site, channel))
  return { entities, ...lanesOf(site, topology) }
}

/** Also those that nobody asks for now: messages may still wait there. */
function lanesOf({ capabilities, names }: Site, { channels }: Topology): Pick<TopologyReport, 'lanes'> {
  if (!capabilities.delayLanes) return {}
  const lanes = channels.flatMap(({ name: channel, groups }) =>
    groups.map(({ name: group }) => ({ channel, group, delaysMs: names.find(channel, group)?.laneDelaysMs ?? [] })),
  )
  return { lanes }
}

function check(site: Site, channel: TopologyChannel, mode: 'create' | 'verify'): void {
  checkName('channel', channel.name, site.capabilities)
  for (const setting of Object.keys(channel.settings ?? {})) {
    throw invalid(`channel "${channel.name}": unknown setting "${setting}"; the memory broker has none`)
  }
  const isThere = channelIsThere(site, channel)
  if (!isThere && (mode === 'verify' || channel.address !== undefined)) site.names.channel(channel.name)
  for (const group of channel.groups) {
    checkName('group', group.name, site.capabilities)
    const mustExist = mode === 'verify' || group.address !== undefined
    if (mustExist || (isThere && site.names.channel(channel.name).groups.has(group.name))) {
      checkGroup(site.names.group(channel.name, group.name), channel)
    }
    if (group.deadLetterAddress !== undefined)
      site.names.lane({ channel: channel.name, group: group.name, lane: 'dead' })
  }
}

function channelIsThere(site: Site, channel: TopologyChannel): boolean {
  return site.broker.channels.has(channel.address ?? channel.name)
}

function checkGroup(found: MemoryGroup, channel: TopologyChannel): void {
  if (found.keyed === channel.keyed) return
  const name = `group "${found.name}" of channel "${channel.name}"`
  const [is, should] = found.keyed ? ['keeps', 'does not'] : ['does not keep', 'does']
  const what = `exists and ${is} order by key, which the channel as declared ${should}`
  throw new MemoryBrokerError('failedPrecondition', `${name} ${what}; remove the group or change ordering`)
}

function make(site: Site, channel: TopologyChannel): string[] {
  const { broker, capabilities, names } = site
  if (!channelIsThere(site, channel)) broker.channels.set(channel.name, new MemoryChannel(channel.name, broker.turns))
  const made = names.channel(channel.name)
  if (capabilities.replay.length > 0) made.keepLog()
  return [made.name, ...channel.groups.flatMap((group) => makeGroup(site, made, channel, group))]
}

function makeGroup(site: Site, made: MemoryChannel, channel: TopologyChannel, group: TopologyGroup): string[] {
  const { capabilities, names } = site
  if (group.address === undefined && !made.groups.has(group.name)) {
    const isolatesKeys = capabilities.blockedKeyHolds === 'key'
    made.addGroup({ name: group.name, keyed: channel.keyed, isolatesKeys, isTemporary: false })
  }
  const found = names.group(channel.name, group.name)
  for (const delayMs of group.delaysMs) {
    found.tiersMs.add(delayMs)
    if (capabilities.delayLanes) found.addDelayLane(delayMs)
  }
  return found.lanes().map((lane) => lane.name)
}

function checkName(what: string, name: string, { maxNameLength }: Capabilities): void {
  const length = Buffer.byteLength(name)
  if (length > 0 && length <= maxNameLength && !name.includes('/')) return
  throw invalid(`${what} name ${JSON.stringify(name.slice(0, 80))}: from 1 to ${maxNameLength} bytes, and no "/"`)
}

function invalid(what: string): MemoryBrokerError {
  return new MemoryBrokerError('invalidArgument', what)
}
