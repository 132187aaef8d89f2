import type { Faults, ForeignMessage, ForeignValue, Link, Probe, ProbeMessage } from '@waybill/conformance'
import {
  structuredContentType,
  structuredMediaType,
  type Driver,
  type Headers,
  type WireMessage,
} from '@waybill/core/driver'
import type { MemoryBroker } from '../src/memory-broker.ts'

/** The broker object itself, past any driver. */
export function memoryProbe(broker: MemoryBroker): Probe {
  return {
    inject: async (to, message) => broker.publish(to, wireMessage(message)),
    extract: async (from, limit) => broker.take(from, limit).map(asRead),
    readDeadLetters: async (channel, group) => broker.messages({ channel, group, lane: 'dead' }).map(asRead),
    depth: async (at) => broker.depth(at).ready,
    unsettled: async (at) => broker.depth(at).unsettled,
    entities: async (fragment) => broker.entities().filter((name) => name.includes(fragment)),
    connections: async () => broker.connectionCount(),
  }
}

/** The connections of the drivers that were made with it. */
export interface MemoryLink extends Link {
  add(driver: Driver): void
}

/** What the broker object can do to itself. There is no wire to slow down and no process to kill. */
export function memoryFaults(broker: MemoryBroker): Faults {
  const { faults } = broker
  let start = (): void => {}
  const stop = async (): Promise<void> => {
    start = faults.refuseConnections()
    faults.disconnect()
  }
  return {
    link: { kinds: ['cut'], open: async () => memoryLink(broker) },
    stop,
    start: async () => start(),
    async restart() {
      await stop()
      start()
    },
    block: async () => faults.block(),
    unblock: async () => faults.unblock(),
    closeConnections: async () => faults.disconnect(),
    deleteTopology: async ({ channel, group }) => broker.remove(channel, group),
    async refuseSends({ channel, group }) {
      const lift = faults.failSends({ when: (_, to) => to.channel === channel && (to.group ?? group) === group })
      return async () => lift()
    },
    refuseSettlements: async (count) => faults.failSettlements(count),
    misdeclare: async ({ channel, group }) => broker.declare(channel, group, { keyed: true }),
    async createForeign(name, group) {
      const main = { channel: `foreign-${name}`, group: 'queue' }
      const dead = { channel: `foreign-${name}-rejected`, group: 'queue' }
      for (const each of [main, dead]) broker.declare(each.channel, each.group)
      const addresses = { address: main.group, deadLetterAddress: `${dead.channel}/${dead.group}` }
      return { configuration: { address: main.channel, groups: { [group]: addresses } }, main, dead }
    },
    injectUnreadable: async (address) =>
      broker.publish(address, { ...wireMessage({}), problem: 'planted by the probe' }),
    injectForeign: async (address, messages) => {
      for (const message of messages) broker.publish(address, wireMessage(foreign(message)))
    },
    backstop: {
      deliveries: 5,
      options: { capabilities: { retryInPlace: { maxMs: 60_000, granularityMs: 1, maxDeliveries: 5 } } },
    },
    heal: async () => faults.heal(),
  }
}

function memoryLink({ faults }: MemoryBroker): MemoryLink {
  const drivers: Driver[] = []
  let refusals: (() => void)[] | undefined
  const cut = async (): Promise<void> => {
    for (const driver of drivers) faults.disconnect({ driver })
  }
  const restore = async (): Promise<void> => {
    for (const lift of refusals ?? []) lift()
    refusals = undefined
  }
  return {
    add(driver) {
      drivers.push(driver)
      refusals?.push(faults.refuseConnections({ driver }))
    },
    cut,
    async sever() {
      refusals ??= drivers.map((driver) => faults.refuseConnections({ driver }))
      await cut()
    },
    restore,
    close: restore,
  }
}

function asRead(message: WireMessage): ProbeMessage {
  const { id, source, type, time, contentType, extensions, key, headers, body, structured } = message
  if (structured !== undefined)
    return { attributes: { datacontenttype: structuredMediaType }, headers, key, body: structured }
  const attributes: { [name: string]: string } = Object.assign(Object.create(null), extensions)
  const named = { id, source, type, time, datacontenttype: contentType, partitionkey: key }
  for (const [name, value] of Object.entries(named)) if (value !== undefined) attributes[name] = value
  return { attributes, headers, key, body }
}

function wireMessage({ attributes = {}, headers = {}, key, body }: Partial<ProbeMessage>): WireMessage {
  const { id, source, type, time, datacontenttype: contentType, partitionkey, ...extensions } = attributes
  const isDocument = id === undefined && contentType?.startsWith(structuredContentType) === true
  const structured = isDocument && body !== undefined ? { structured: body } : {}
  const named = { id, source, type, time, contentType, key: key ?? partitionkey, body, ...structured }
  return { ...named, extensions: bare(extensions), headers: bare(headers) }
}

/** This broker knows texts only; a foreign client of it may still write any text under any name. */
function foreign({ headers, contentType, body }: ForeignMessage): Partial<ProbeMessage> {
  const texts = headers.map(([name, value]) => [Buffer.from(name).toString(), textOf(value)])
  const attributes = contentType === undefined ? {} : { datacontenttype: contentType }
  return { attributes, headers: Object.fromEntries(texts) as Headers, body }
}

function textOf(value: ForeignValue): string {
  if (value.kind === 'text' || value.kind === 'bytes') return Buffer.from(value.bytes).toString()
  if (value.kind === 'list') return `[${value.items.map(textOf).join()}]`
  return value.kind === 'table'
    ? `{${value.entries.map(([, each]) => textOf(each)).join()}}`
    : JSON.stringify(value, bigText)
}

function bigText(_name: string, value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : value
}

function bare(headers: Headers): Headers {
  return Object.assign(Object.create(null), headers) as Headers
}
