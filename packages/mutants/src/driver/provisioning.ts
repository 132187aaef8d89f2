import { wrapDriver } from '@waybill/conformance'
import type { Driver, Topology } from '@waybill/core/driver'
import { connections, listeners } from './changes.ts'
import type { DriverMutant } from './driver-mutant.ts'

const provisions = (change: (topology: Topology) => Topology): ((driver: Driver) => Driver) =>
  connections((connection) => ({ provision: (topology, mode) => connection.provision(change(topology), mode) }))
const safe = (name: string): string => name.toLowerCase().replaceAll(/[^a-z0-9/]/g, '-')

/** Drivers that make, find or name what is on the broker wrongly. */
export const provisioning: readonly DriverMutant[] = [
  {
    name: 'makes-what-it-should-verify',
    story: 'Creates missing entities in every mode.',
    wrap: connections((connection) => ({
      provision: (topology, mode) => connection.provision(topology, mode === 'verify' ? 'create' : mode),
    })),
    red: {
      'TOP-08': /expected a rejection with notFound, but it resolved with undefined/,
    },
  },
  {
    name: 'verifies-nothing',
    story: 'Finds every topology in order.',
    wrap: connections((connection) => ({
      provision: (topology, mode) => connection.provision(topology, mode === 'verify' ? 'known' : mode),
    })),
    red: {
      'TOP-08': /expected a rejection with notFound, but it resolved with undefined/,
    },
  },
  {
    name: 'makes-nothing-twice',
    story: 'Fails on what exists already, as two processes that start at once find out.',
    wrap: connections((connection) => ({
      async provision(topology, mode) {
        if (mode !== 'create') return connection.provision(topology, mode)
        for (const { name } of topology.channels) {
          if (made.has(name)) throw Object.assign(new Error(`"${name}" exists already`), { code: 'failedPrecondition' })
          made.add(name)
        }
        return connection.provision(topology, mode)
      },
    })),
    red: {
      'TOP-03': /cannot provision .+: .+ exists already/,
      'TOP-07': /cannot provision .+: .+ exists already/,
    },
  },
  {
    name: 'accepts-other-arguments',
    story: 'Uses an existing entity with other arguments without a word.',
    wrap: connections((connection) => ({
      provision: (topology, mode) =>
        connection.provision(topology, mode).catch((error: unknown) => {
          if ((error as { code?: string }).code !== 'failedPrecondition') throw error
          return connection.provision(topology, 'known')
        }),
    })),
    red: {
      'TOP-09': /expected a rejection with failedPrecondition, but it resolved with \{/,
    },
  },
  {
    name: 'provisions-one-channel',
    story: 'Provisions the first group of a channel only.',
    wrap: provisions(({ channels }) => ({
      channels: channels.map((channel) => ({ ...channel, groups: channel.groups.slice(0, 1) })),
    })),
    red: {
      'TOP-02': /cannot listen to group "shipping" of .+: group "shipping" of channel "i/,
    },
  },
  {
    name: 'ignores-foreign-addresses',
    story: 'Makes entities of its own where existing ones were named.',
    wrap: provisions(({ channels }) => ({
      channels: channels.map(({ address: _, ...channel }) => ({
        ...channel,
        groups: channel.groups.map(({ address: __, deadLetterAddress: ___, ...group }) => group),
      })),
    })),
    red: {
      'TOP-15': /^a send reaches the existing entity/,
      'TOP-15/verified': /cannot verify .+: channel .+ does not exist; provisi/,
    },
  },
  {
    name: 'folds-names',
    story: 'Writes names in lower case with dashes, so that different channels become one.',
    wrap: connections((connection) => ({
      provision: (topology, mode) =>
        connection.provision(
          { channels: topology.channels.map((channel) => ({ ...channel, name: safe(channel.name) })) },
          mode,
        ),
      send: (to, batch, done) => connection.send({ ...to, channel: safe(to.channel) }, batch, done),
      listen: (request, onDelivery) =>
        connection.listen(
          { ...request, source: { ...request.source, channel: safe(request.source.channel) } },
          onDelivery,
        ),
    })),
    red: {
      'TOP-01': /.+ billing: [\d.]+ messages handled: not within/,
      'TOP-12': /.+ B\.c: [\d.]+ runs/,
    },
  },
  {
    name: 'mixes-channels',
    story: 'Sends to the first channel of the connection whatever the address says.',
    wrap: connections((connection) => {
      let first: string | undefined
      return {
        send(to, batch, done) {
          if (to.group !== undefined) return connection.send(to, batch, done)
          first ??= to.channel
          connection.send({ channel: first }, batch, done)
        },
      }
    }),
    red: {
      'SND-10': /expected a rejection with notFound,unroutable, but it resolved with \{ id:/,
      'TOP-10': /.+ billing: [\d.]+ messages handled: not within/,
    },
  },
  {
    name: 'pretends-a-capability',
    story: 'Declares that a group can start at an earlier message, and starts at the newest.',
    wrap: (driver) =>
      listeners((connection, { from: _, ...request }, onDelivery) => connection.listen(request, onDelivery))(
        wrapDriver(driver, { capabilities: { ...driver.capabilities, replay: ['oldest', 'time'] } }),
      ),
    red: {
      'TOP-13': /late: [\d.]+ messages handled: not within/,
      'TOP-13/from a time': /late: [\d.]+ messages handled: not within/,
      'TOP-14/a copy from the beginning': /all that there was: not within/,
    },
  },
  {
    name: 'starts-behind-the-position',
    story: 'Takes the position that a group is to start at for the last one that it had.',
    profile: 'lanes',
    wrap: listeners((connection, request, onDelivery) => {
      const { from } = request
      if (typeof from !== 'object' || from.positions === undefined) return connection.listen(request, onDelivery)
      const positions = from.positions.map((each) => each.replace(/\d+$/, (digits) => String(Number(digits) + 1)))
      return connection.listen({ ...request, from: { positions } }, onDelivery)
    }),
    red: {
      'TOP-13/from a position': /late: [\d.]+ messages handled: not within/,
    },
  },
]

const made = new Set<string>()
