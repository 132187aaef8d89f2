import { attachBroker, type KafkaDescription } from '@waybill/brokers'
import type { Harness } from '@waybill/conformance'
import { kafka } from '../src/index.ts'
import { kafkaFaults, type KafkaLink } from './kafka-faults.ts'
import { kafkaProbe } from './kafka-probe.ts'

const heartbeatMs = 1_000
const sessionTimeoutMs = 3_000
const driverAt = (url: string, options: object = {}) => kafka({ url, heartbeatMs, sessionTimeoutMs, ...options })

/** This adapter on a running Kafka, as the kit sees it. */
export async function harness(description: KafkaDescription): Promise<Harness> {
  const broker = await attachBroker(description)
  const probe = kafkaProbe(broker.url)
  const faults = kafkaFaults(broker, probe, driverAt)
  return {
    adapter: 'kafka',
    profile: `kafka-${broker.version.split('.', 1)[0]}`,
    broker: `Kafka ${broker.version}`,
    standIn: false,
    ...(broker.faults === undefined ? {} : { reports: new URL('../conformance/', import.meta.url) }),
    url: `${broker.url}?heartbeatMs=${heartbeatMs}&sessionTimeoutMs=${sessionTimeoutMs}`,
    timings: { arriveMs: 5_000, toleranceMs: 1_000, quietMs: 500, leaseMs: 4_000, heartbeatMs, recoverMs: 20_000 },
    probe,
    faults,
    createDriver: ({ link, options } = {}) => driverAt((link as KafkaLink | undefined)?.url ?? broker.url, options),
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
