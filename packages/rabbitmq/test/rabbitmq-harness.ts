import { attachBroker, type ProxiedLink, type RabbitmqDescription } from '@waybill/brokers'
import type { Harness } from '@waybill/conformance'
import { rabbitmq } from '../src/index.ts'
import { countOften, rabbitmqFaults } from './rabbitmq-faults.ts'
import { managementAt } from './rabbitmq-management.ts'
import { rabbitmqProbe } from './rabbitmq-probe.ts'

const heartbeatMs = 2_000
const driverAt = (url: string, options: object = {}) => rabbitmq({ url, heartbeatMs, ...options })

/** This adapter on a running RabbitMQ, as the kit sees it. */
export async function harness(description: RabbitmqDescription): Promise<Harness> {
  const broker = await attachBroker(description)
  const management = managementAt(broker.managementUrl)
  const probe = rabbitmqProbe(broker.url, management)
  const faults = rabbitmqFaults(broker, management, driverAt)
  return {
    adapter: 'rabbitmq',
    profile: `rabbitmq-${broker.version.split('.', 1)[0]}`,
    broker: `RabbitMQ ${broker.version}`,
    standIn: false,
    ...(broker.faults === undefined ? {} : { reports: new URL('../conformance/', import.meta.url) }),
    url: broker.url,
    timings: { arriveMs: 5_000, toleranceMs: 1_000, quietMs: 500, leaseMs: 3_000, heartbeatMs, recoverMs: 15_000 },
    probe,
    faults: {
      ...faults,
      // The probe's connection went with the broker: its successor must not look like a leak of a later case.
      heal: () => faults.heal().then(() => probe.open()),
    },
    createDriver: ({ link, options } = {}) => driverAt((link as ProxiedLink | undefined)?.url ?? broker.url, options),
    async open() {
      await countOften(broker)
      await probe.open()
    },
    async sweep(fragment) {
      const named = ({ name }: { readonly name: string }): boolean => name.includes(fragment)
      const remove = (kind: string, name: string) =>
        management.call('DELETE', `${kind}/%2F/${encodeURIComponent(name)}`)
      for (const { name } of (await management.queues()).filter(named)) await remove('queues', name)
      for (const { name } of (await management.exchanges()).filter(named)) await remove('exchanges', name)
    },
    close: () => probe.close(),
  }
}
