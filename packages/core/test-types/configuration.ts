import { type Configuration, connect, type Messaging } from '@waybill/core'
import { billing } from './consuming.ts'
import { kafka, rabbitmq } from './surroundings.ts'

declare const yaml: { parse(text: string): any }
declare function readFileSync(path: string, encoding: 'utf8'): string

export const configuration: Configuration = {
  connections: {
    events: {
      driver: 'kafka',
      brokers: ['k1:9092'],
      sasl: { mechanism: 'scram-sha-512', password: { env: 'KAFKA_PASSWORD' } },
    },
    notify: 'amqp://localhost',
  },
  channels: { 'notifications.*': 'notify', '*': { connection: 'events', topology: { partitions: 12 } } },
}

/** The same as a literal of its own type, as a YAML file gives it. */
export const literal = {
  connections: {
    events: {
      driver: 'kafka',
      brokers: ['kafka-1:9092', 'kafka-2:9092'],
      sasl: { mechanism: 'scram-sha-512', username: 'orders', password: { env: 'KAFKA_PASSWORD' } },
    },
    notify: { driver: 'rabbitmq', url: { env: 'RABBITMQ_URL' } },
  },
  channels: {
    '*': { connection: 'events', topology: { partitions: 12 } },
    'notifications.*': 'notify',
    'legacy.invoices': {
      connection: 'notify',
      provision: 'none',
      address: 'inv.exchange',
      groups: { ledger: { address: 'inv.q.ledger', deadLetterAddress: 'inv.q.ledger.err' } },
    },
  },
} satisfies Configuration

export const fromYaml = () => connect(yaml.parse(readFileSync('waybill.yaml', 'utf8')), { source: '/order-service' })
export const fromCode = () =>
  connect({
    connections: { events: kafka({ brokers: [] }), notify: rabbitmq({ url: '' }) },
    channels: { 'notifications.*': 'notify', '*': 'events' },
  })
export const fromEnvironment = () => connect(process.env.WAYBILL_URL ?? 'memory:')

declare const fastify: {
  addHook(name: 'onReady' | 'onClose', hook: () => Promise<void>): void
  decorate(name: string, value: unknown): void
  get(path: string, handler: () => object): void
}
export async function application() {
  const messaging: Messaging = await connect('memory:', { waitForBrokerMs: 60_000 })
  fastify.decorate('messaging', messaging)
  fastify.addHook('onReady', async () => {
    await billing(messaging)
  })
  fastify.addHook('onClose', () => messaging.close({ drainMs: 10_000 }))
  fastify.get('/health', () => messaging.health())
}
