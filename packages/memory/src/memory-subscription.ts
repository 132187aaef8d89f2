import type { Capabilities, DriverContext, ListenRequest, ListenStart, OnDelivery } from '@waybill/core/driver'
import { MemoryBrowser } from './memory-browser.ts'
import type { MemoryBroker } from './memory-broker.ts'
import { MemoryBrokerError, unsupported } from './memory-errors.ts'
import type { MemoryGroup } from './memory-group.ts'
import type { MemoryLane } from './memory-lane.ts'
import { MemoryListener, type LiveListener } from './memory-listener.ts'
import type { MemoryNames } from './memory-names.ts'
import { startIn } from './memory-replay.ts'
import { MemorySettler } from './memory-settler.ts'

export interface Subscriber {
  readonly broker: MemoryBroker
  readonly capabilities: Capabilities
  readonly context: DriverContext
  readonly names: MemoryNames
  /** Cuts the connection. */
  crash(): void
}

export interface Subscription {
  readonly request: ListenRequest
  readonly onDelivery: OnDelivery
  onGone(): void
}

/** Starts a listener. @throws MemoryBrokerError when the request is beyond what is there or declared. */
export function subscribe(subscriber: Subscriber, { request, onDelivery, onGone }: Subscription): LiveListener {
  const { broker, capabilities, context, names, crash } = subscriber
  checkRequest(request, capabilities)
  const { channel, group: name } = request.source
  const { from = 'new' } = request
  const replayed = from === 'new' ? undefined : startIn(names.channel(channel), from, context.clock)
  const group = request.temporary ? makeTemporary(subscriber, request) : names.group(channel, name)
  const lane = names.lane(request.source)
  checkLane(request, group, lane, capabilities)
  if (replayed !== undefined && !group.wasListenedTo) names.channel(channel).replayInto(group, replayed)
  if (request.intent !== 'browse') group.wasListenedTo = true
  const { clock } = context
  const report = context.report.bind(context)
  const dead = names.lane({ channel, group: name, lane: 'dead' })
  const settler = new MemorySettler({ broker, capabilities, clock, group, lane, dead, report })
  if (request.intent === 'browse') {
    return new MemoryBrowser({
      onDelivery,
      lane,
      settler,
      clock,
      onGone,
      countsDeliveries: capabilities.deliveries !== 'none',
    })
  }
  const gone = () => {
    if (group.isTemporary) names.channel(channel).removeGroup(group)
    onGone()
  }
  const { faults } = broker
  return new MemoryListener({ request, onDelivery, lane, settler, capabilities, clock, faults, crash, onGone: gone })
}

function makeTemporary({ capabilities, names }: Subscriber, request: ListenRequest): MemoryGroup {
  const { channel: channelName, group } = request.source
  if (capabilities.temporary === 'none') throw unsupported('a temporary group was asked for')
  const channel = names.channel(channelName)
  if (channel.groups.has(group)) throw failedPrecondition(`group "${group}" of channel "${channelName}" exists already`)
  const isolatesKeys = capabilities.blockedKeyHolds === 'key'
  return channel.addGroup({ name: group, keyed: request.order === 'key', isolatesKeys, isTemporary: true })
}

function checkRequest(request: ListenRequest, capabilities: Capabilities): void {
  const { maxInFlight, maxInFlightBytes, order, from } = request
  if (!(Number.isInteger(maxInFlight) && maxInFlight > 0) && request.intent !== 'browse') {
    throw new MemoryBrokerError(
      'invalidArgument',
      `maxInFlight must be a whole number of at least 1, not ${maxInFlight}`,
    )
  }
  if (order === 'key' && capabilities.order === 'none') throw unsupported('order by key was asked for')
  if (from !== undefined && from !== 'new') checkReplay(from, capabilities)
  if (maxInFlightBytes !== undefined && !capabilities.byteBound) throw unsupported('a bound in bytes was asked for')
}

function checkReplay(from: Exclude<ListenStart, 'new'>, { replay }: Capabilities): void {
  const need = from === 'oldest' ? from : from.timeMs === undefined ? 'position' : 'time'
  if (!replay.includes(need)) throw unsupported(`a start at an earlier message was asked for, by ${need}`)
}

function checkLane(
  request: ListenRequest,
  group: MemoryGroup,
  lane: MemoryLane,
  { membersPerGroup }: Capabilities,
): void {
  if (request.order === 'key' && lane === group.main && !group.keyed) {
    throw failedPrecondition(
      `"${lane.name}" keeps no order by key; declare the channel with ordering: 'key' before it is made`,
    )
  }
  if (request.intent !== 'browse' && lane.members.size >= membersPerGroup) {
    throw unsupported(`"${lane.name}" has ${lane.members.size} listeners; use ${membersPerGroup} at most: one more`)
  }
}

function failedPrecondition(what: string): MemoryBrokerError {
  return new MemoryBrokerError('failedPrecondition', what)
}
