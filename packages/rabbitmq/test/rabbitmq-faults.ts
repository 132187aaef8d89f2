import { proxiedLink, type ProxiedLink, type RabbitmqBroker, startFaultProxy, tlsFaults } from '@waybill/brokers'
import { sleep, type Faults } from '@waybill/conformance'
import type { Driver } from '@waybill/core/driver'
import { type ConfirmChannel, connect } from 'amqplib'
import type { Management } from './rabbitmq-management.ts'
import { publishForeign } from './foreign-client.ts'
import { attacks, startHostileBroker } from './hostile-broker.ts'
import { isOf, queueOf } from './rabbitmq-probe.ts'

/** What can be done to this RabbitMQ; for one that somebody else runs, only what needs no power over it. */
export function rabbitmqFaults(
  broker: RabbitmqBroker,
  management: Management,
  driverAt: (url: string, options?: object) => Driver,
): Faults & Required<Pick<Faults, 'heal'>> {
  return {
    ...linkFaults(broker),
    ...topologyFaults(broker, management),
    ...brokerFaults(broker),
    ...wrongDrivers(broker, driverAt),
    backstop: { deliveries: 5, options: { deliveryLimit: 5 } },
    process: { folder: new URL('../', import.meta.url) },
    hostileBroker: { attacks: Object.keys(attacks), open: startHostileBroker },
  }
}

function linkFaults({ url }: RabbitmqBroker): Faults {
  const open = async (): Promise<ProxiedLink> => {
    const { hostname, port } = new URL(url)
    const proxy = await startFaultProxy({ target: { host: hostname, port: Number(port) || 5672 } })
    return proxiedLink(proxy, proxy.url(url))
  }
  return { link: { kinds: ['cut', 'blackhole', 'slow', 'halfOpen'], open } }
}

/** The broker counts what is unsettled once per tick, of 5 s unless told otherwise since its start, before queues are made. */
export async function countOften({ control }: RabbitmqBroker): Promise<void> {
  await control?.rabbitmqctl('eval', 'application:set_env(rabbit, quorum_tick_interval, 200).')
}

/**
 * RabbitMQ 4.0.5 keeps its directory of quorum queues in a file that it writes every 500 ms: a queue younger than that does
 * not survive a SIGKILL, whatever it has confirmed ("configured member of queue was not found on this node", and then
 * it neither delivers nor confirms). Only a queue's first second is concerned, so the kill waits that long.
 */
const registered = (): Promise<void> => sleep(1_500)

function brokerFaults(broker: RabbitmqBroker): Faults {
  const { faults, control } = broker
  if (faults === undefined || control === undefined) return {}
  const again = (): Promise<void> => countOften(broker)
  return {
    restart: () => faults.restart().then(again),
    kill: () =>
      registered()
        .then(() => faults.kill())
        .then(again),
    stop: () => registered().then(() => faults.down({ graceful: false })),
    start: () => faults.up().then(again),
    block: () => control.setMemoryAlarm(true),
    unblock: () => control.setMemoryAlarm(false),
    closeConnections: () => control.closeConnections('conformance'),
  }
}

function topologyFaults({ url }: RabbitmqBroker, management: Management): Faults {
  const name = encodeURIComponent
  const withChannel = async (use: (channel: ConfirmChannel) => Promise<unknown>): Promise<void> => {
    const connection = await connect(url)
    await use(await connection.createConfirmChannel()).finally(() => connection.close())
  }
  return {
    async deleteTopology({ channel, group }) {
      const isDoomed = (entity: string): boolean =>
        group === undefined
          ? entity === channel || entity.startsWith(`${channel}/`)
          : isOf(entity, queueOf({ channel, group })) || entity.startsWith(`${channel}/${group}/`)
      for (const queue of await management.queues())
        if (isDoomed(queue.name)) await management.call('DELETE', `queues/%2F/${name(queue.name)}`)
      for (const exchange of await management.exchanges())
        if (isDoomed(exchange.name)) await management.call('DELETE', `exchanges/%2F/${name(exchange.name)}`)
    },
    async refuseSends(address) {
      const policy = `policies/%2F/${name(`refuse ${queueOf(address)}`)}`
      const definition = { 'max-length': 0, overflow: 'reject-publish' }
      const pattern = `^${queueOf(address).replaceAll('.', '\\.')}(/shard\\.\\d+)?$`
      await management.call('PUT', policy, { pattern, definition, 'apply-to': 'queues', priority: 10 })
      return async () => void (await management.call('DELETE', policy))
    },
    misdeclare: (address) =>
      withChannel((channel) =>
        channel.assertQueue(queueOf(address), { durable: true, arguments: { 'x-queue-type': 'classic' } }),
      ),
    async createForeign(base, group) {
      const main = { channel: `foreign-${base}`, group: 'queue' }
      const dead = { channel: `foreign-${base}`, group: 'rejected' }
      const [address, deadLetterAddress] = [queueOf(main), queueOf(dead)]
      await withChannel(async (channel) => {
        await channel.assertExchange(main.channel, 'fanout', { durable: true })
        for (const queue of [address, deadLetterAddress]) await channel.assertQueue(queue, { durable: true })
        await channel.bindQueue(address, main.channel, '')
      })
      const groups = { [group]: { address, deadLetterAddress } }
      return { configuration: { address: main.channel, groups }, main, dead }
    },
    injectForeign: (address, messages) => publishForeign(url, queueOf(address), messages),
    injectUnreadable: (address) =>
      withChannel(async (channel) => {
        const contentType = 'application/cloudevents+json'
        channel.sendToQueue(queueOf(address), Buffer.from('{"specversion":"1.0",'), { contentType, persistent: true })
        await channel.waitForConfirms()
      }),
  }
}

/** Drivers that cannot connect or may do nothing, each for one reason. */
function wrongDrivers(
  { url, control, description }: RabbitmqBroker,
  driverAt: (url: string, options?: object) => Driver,
): Faults & Required<Pick<Faults, 'heal'>> {
  const users: string[] = []
  const changed = (change: (url: URL) => void, options?: object): Driver => {
    const other = new URL(url)
    change(other)
    return driverAt(other.href, options)
  }
  const as = (username: string, password: string) => changed((other) => Object.assign(other, { username, password }))
  const newUser = async (password = 'secret'): Promise<string> => {
    const user = `conformance-${users.length}-${process.pid}`
    users.push(user)
    await control?.createUser(user, password)
    return user
  }
  const { hostname, port } = new URL(url)
  const { certificates, tlsUrl } = description
  const tls =
    certificates === undefined || tlsUrl === undefined
      ? undefined
      : tlsFaults({
          certificates,
          secure: new URL(tlsUrl).host,
          plain: `${hostname}:${port || 5672}`,
          driverAt: (host, options) => changed((other) => Object.assign(other, { protocol: 'amqps:', host }), options),
        })
  return {
    wrongHost: () => changed((other) => Object.assign(other, { hostname: 'no-such-host.invalid' })),
    refusedPort: () => changed((other) => Object.assign(other, { host: 'localhost:1' })),
    badCredentials: () => as('guest', 'not the password'),
    ...tls?.drivers,
    ...(control === undefined
      ? {}
      : {
          async forbidden() {
            const user = await newUser()
            await control.setPermissions(user, { configure: '^$', write: '^$', read: '^$' })
            return as(user, 'secret')
          },
          async credentials() {
            const secret = `s3cr3t/${process.pid}+ü@:${users.length}`
            const username = await newUser(secret)
            await control.setPermissions(username)
            const own = Object.assign(new URL(url), { username, password: encodeURIComponent(secret) })
            return { url: own.href, secret }
          },
          async revokeCredentials() {
            const user = await newUser()
            await control.setPermissions(user)
            return { driver: as(user, 'secret'), revoke: () => control.deleteUser(user) }
          },
        }),
    async heal() {
      await tls?.close()
      for (const user of users.splice(0)) await control?.deleteUser(user).catch(() => {})
      await control?.setMemoryAlarm(false)
    },
  }
}
