import { attachBroker, type KafkaBroker, type KafkaDescription, type ProxiedLink } from '@waybill/brokers'
import type { Harness } from '@waybill/conformance'
import type { Driver } from '@waybill/core/driver'
import { kafka } from '../src/index.ts'
import { isAllowed, login } from './kafka-cluster.ts'
import { kafkaFaults } from './kafka-faults.ts'
import { kafkaProbe } from './kafka-probe.ts'

const heartbeatMs = 1_000
const sessionTimeoutMs = 3_000

function driverAt(url: string, options: object = {}): Driver {
  const [address = '', sasl] = url.split('?sasl=')
  return kafka({
    url: address,
    ...(sasl === undefined ? {} : { sasl: sasl as 'plain' }),
    heartbeatMs,
    sessionTimeoutMs,
    ...options,
  })
}

/** Where somebody else runs the broker, whoever that lets in. */
function loginUrl({ url, saslUrl, control }: KafkaBroker): string {
  if (saslUrl === undefined || control === undefined) return url
  return `${saslUrl.replace(/\/\/[^@]*@/, `//${login.user}:${login.password}@`)}?sasl=scram-sha-256`
}

function paced(url: string): string {
  return `${url}${url.includes('?') ? '&' : '?'}heartbeatMs=${heartbeatMs}&sessionTimeoutMs=${sessionTimeoutMs}`
}

/** This adapter on a running Kafka, as the kit sees it. */
export async function harness(description: KafkaDescription): Promise<Harness> {
  const broker = await attachBroker(description)
  const probe = kafkaProbe(broker.url)
  const url = loginUrl(broker)
  const faults = kafkaFaults(broker, probe, { url, heartbeatMs, paced, driverAt })
  return {
    adapter: 'kafka',
    profile: `kafka-${broker.version.split('.', 1)[0]}`,
    broker: `Kafka ${broker.version}`,
    standIn: false,
    ...(broker.faults === undefined ? {} : { reports: new URL('../conformance/', import.meta.url) }),
    url: paced(url),
    timings: { arriveMs: 10_000, toleranceMs: 1_000, quietMs: 500, leaseMs: 4_000, heartbeatMs, recoverMs: 20_000 },
    probe,
    faults,
    createDriver: ({ link, options } = {}) => driverAt((link as ProxiedLink | undefined)?.url ?? url, options),
    async open() {
      if (broker.control === undefined || (await probe.use(({ admin }) => isAllowed(admin, login.user)))) return
      await broker.control.createUser(login.user, login.password)
      await broker.control.allow(login.user)
    },
    sweep: (fragment) =>
      probe.use(async ({ admin }) => {
        const topics = (await admin.listTopics()).filter((name) => name.includes(fragment))
        if (topics.length > 0) await admin.deleteTopics({ topics })
        const { groups } = await admin.listGroups()
        const named = groups.map(({ groupId }) => groupId).filter((name) => name.includes(fragment))
        if (named.length > 0) await admin.deleteGroups(named).catch(() => {})
      }),
  }
}
