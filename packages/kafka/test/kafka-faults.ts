import { type KafkaBroker, proxiedLink, type ProxiedLink, startKafkaProxy, tlsFaults } from '@waybill/brokers'
import { sleep, type Faults, type ForeignMessage, type ForeignValue } from '@waybill/conformance'
import type { Driver } from '@waybill/core/driver'
import kafkajs, { type Message } from 'kafkajs'
import { attacks, startHostileBroker } from './hostile-broker.ts'
import { login } from './kafka-cluster.ts'
import { type KafkaProbe, topicOf, topicsOf } from './kafka-probe.ts'

export interface Access {
  /** Of the user that the drivers are, who may be forbidden something. */
  readonly url: string
  /** Of the drivers. */
  readonly heartbeatMs: number
  /** A URL with that heartbeat as an option. */
  readonly paced: (url: string) => string
  readonly driverAt: (url: string, options?: object) => Driver
}

/** What can be done to this Kafka; for one that somebody else runs, only what needs no power over it. */
export function kafkaFaults(
  broker: KafkaBroker,
  probe: KafkaProbe,
  access: Access,
): Faults & Required<Pick<Faults, 'heal'>> {
  return {
    ...linkFaults(access.url),
    ...topologyFaults(broker, probe),
    ...brokerFaults(broker, access),
    ...wrongDrivers(broker, access),
    process: { folder: new URL('../', import.meta.url) },
    hostileBroker: { attacks: Object.keys(attacks), open: (attack) => startHostileBroker(attack, broker.url) },
  }
}

/** The proxy puts its own address where the broker names itself, so that no client gets past it. */
function linkFaults(url: string): Faults {
  const open = async (): Promise<ProxiedLink> => {
    const proxy = await startKafkaProxy(url)
    return proxiedLink(proxy, url.replace(/[^@/?]+(?=$|\?)/, `${proxy.host}:${proxy.port}`))
  }
  return { link: { kinds: ['cut', 'blackhole', 'slow', 'halfOpen'], open } }
}

function brokerFaults({ faults, control }: KafkaBroker, { heartbeatMs }: Access): Faults {
  if (faults === undefined || control === undefined) return {}
  return {
    restart: () => faults.restart(),
    kill: () => faults.kill(),
    stop: () => faults.down({ graceful: false }),
    start: () => faults.up(),
    // Who gets in again at once has nothing to tell: brokers close what is idle too.
    closeConnections: () => control.closeConnections(3 * heartbeatMs),
  }
}

function topologyFaults({ control }: KafkaBroker, { use }: KafkaProbe): Faults {
  const create = (names: readonly string[], partitions = 4): Promise<unknown> =>
    use(async ({ admin }) => {
      const topics = names.map((topic) => ({ topic, numPartitions: partitions, replicationFactor: 1 }))
      await admin.createTopics({ topics, waitForLeaders: false })
      const isThere = (): Promise<boolean> =>
        use((fresh) => fresh.admin.fetchTopicMetadata({ topics: [...names] })).then(
          () => true,
          () => false,
        )
      while (!(await isThere())) await sleep(20)
    })
  const write = (topic: string, messages: readonly object[]): Promise<unknown> =>
    use(({ producer }) => producer.send({ topic, messages: messages as never }))
  return {
    async deleteTopology({ channel, group }) {
      const own = topicOf(group === undefined ? { channel } : { channel, group })
      const isDoomed = (name: string): boolean => name === own || name.startsWith(`${own}..`)
      await use(async ({ admin }) => admin.deleteTopics({ topics: (await admin.listTopics()).filter(isDoomed) }))
    },
    ...(control === undefined
      ? {}
      : {
          async refuseSends(address) {
            const acl = topicsOf(address).map((resourceName) => ({
              resourceType: AclResourceTypes.TOPIC,
              resourceName,
              resourcePatternType: ResourcePatternTypes.LITERAL,
              principal: `User:${login.user}`,
              host: '*',
              operation: AclOperationTypes.WRITE,
              permissionType: AclPermissionTypes.DENY,
            }))
            await use(({ admin }) => admin.createAcls({ acl }))
            await sleep(settleMs)
            return async () => {
              await use(({ admin }) => admin.deleteAcls({ filters: acl }))
              await sleep(settleMs)
            }
          },
        }),
    /** Dead letters in a topic that is not compacted would never go away. */
    async misdeclare(address) {
      await create([topicOf({ channel: address.channel }), topicOf(address)])
      await create([topicOf({ ...address, lane: 'dead' })], 1)
    },
    async createForeign(base, group) {
      const channel = `foreign-${base}`
      const [main, dead] = [{ channel, group: 'queue' }, { channel, group: 'rejected', lane: 'dead' } as const]
      await create([topicOf({ channel }), topicOf(dead)], 1)
      const start = { topic: topicOf({ channel }), partition: 0, offset: 0n }
      await use(({ log }) => log.commit(topicOf(main), [start]))
      const groups = { [group]: { address: topicOf(main), deadLetterAddress: topicOf(dead) } }
      return { configuration: { address: topicOf({ channel }), groups }, main, dead }
    },
    /** One after the other: no batch is larger than the broker takes. */
    injectForeign: (address, messages) =>
      use(async ({ producer }) => {
        for (const message of messages) await producer.send({ topic: topicOf(address), messages: [foreign(message)] })
      }),
    async injectUnreadable(address) {
      const headers = { 'content-type': 'application/cloudevents+json' }
      await write(topicOf(address), [{ value: '{"specversion":"1.0",', headers }])
    },
  }
}

const { AclOperationTypes, AclPermissionTypes, AclResourceTypes, ResourcePatternTypes } = kafkajs

/** Until the broker goes by what its controller has written. */
const settleMs = 200

/** What a record may have in all, as the broker has it: https://kafka.apache.org/documentation/#brokerconfigs_message.max.bytes */
const mostBytes = 1_040_000

/** Of several headers of one name kafkajs writes each. Those that are too much for the broker never get in. */
function foreign({ headers, contentType, body }: ForeignMessage): Message {
  const table: Record<string, Buffer[]> = Object.create(null)
  let bytes = body.byteLength
  for (const [name, value] of headers) {
    const written = bytesOf(value)
    const more = bytes + name.byteLength + written.byteLength + 10
    if (more > mostBytes) continue
    bytes = more
    ;(table[Buffer.from(name).toString()] ??= []).push(written)
  }
  if (contentType !== undefined) table['content-type'] = [Buffer.from(contentType)]
  return { partition: 0, value: Buffer.from(body), headers: table }
}

/** Kafka's headers are bytes, whatever they mean. */
function bytesOf(value: ForeignValue): Buffer {
  switch (value.kind) {
    case 'text':
    case 'bytes':
      return Buffer.from(value.bytes)
    case 'list':
      return Buffer.concat(value.items.map(bytesOf))
    case 'table':
      return Buffer.concat(value.entries.map(([, each]) => bytesOf(each)))
    case 'nothing':
      return Buffer.alloc(0)
    default:
      return Buffer.from(
        JSON.stringify(value, (_name, each: unknown) => (typeof each === 'bigint' ? String(each) : each)),
      )
  }
}

/** Drivers that cannot connect or may do nothing, each for one reason. */
function wrongDrivers(
  { url, tlsUrl, saslUrl, control, certificates }: KafkaBroker,
  { driverAt, paced }: Access,
): Faults & Required<Pick<Faults, 'heal'>> {
  const users: string[] = []
  const hostOf = (at: string): string => new URL(at.replace(/^kafkas?:/, 'http:')).host
  const sasl = 'scram-sha-512'
  const newUser = async (password: string): Promise<string> => {
    const user = `conformance-${users.length}-${process.pid}`
    users.push(user)
    await control?.createUser(user, password)
    return user
  }
  const as = (username: string, password: string): Driver =>
    driverAt(`kafka://${hostOf(saslUrl ?? url)}`, { username, password, sasl })
  const tls =
    certificates === undefined || tlsUrl === undefined
      ? undefined
      : tlsFaults({
          certificates,
          secure: hostOf(tlsUrl),
          plain: hostOf(url),
          driverAt: (host, options) => driverAt(`kafkas://${host}`, options),
        })
  return {
    wrongHost: () => driverAt('kafka://no-such-host.invalid:9092'),
    refusedPort: () => driverAt('kafka://localhost:1'),
    ...(saslUrl === undefined ? {} : { badCredentials: () => as('waybill', 'not the password') }),
    ...tls?.drivers,
    ...(control === undefined || saslUrl === undefined
      ? {}
      : {
          forbidden: async () => as(await newUser('secret'), 'secret'),
          async credentials() {
            const secret = `s3cr3t/${process.pid}+@:${users.length}`
            const user = await newUser(secret)
            await control.allow(user)
            const own = `kafka://${user}:${encodeURIComponent(secret)}@${hostOf(saslUrl)}?sasl=${sasl}`
            return { url: paced(own), secret }
          },
          async revokeCredentials() {
            const user = await newUser('secret')
            await control.allow(user)
            const revoke = async (): Promise<void> => {
              await control.deleteUser(user)
              await control.forbid(user)
            }
            return { driver: as(user, 'secret'), revoke }
          },
        }),
    async heal() {
      await tls?.close()
      for (const user of users.splice(0)) await control?.deleteUser(user).catch(() => {})
    },
  }
}
