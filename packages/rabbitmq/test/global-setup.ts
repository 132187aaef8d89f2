import { type RabbitmqDescription, startBroker } from '@waybill/brokers'
import type { TestProject } from 'vitest/node'

declare module 'vitest' {
  interface ProvidedContext {
    rabbitmq: RabbitmqDescription
  }
}

/** One RabbitMQ for the whole run; every test file attaches to it. */
export default async function setup({ provide }: TestProject): Promise<() => Promise<void>> {
  const broker = await startBroker('rabbitmq')
  provide('rabbitmq', broker.description)
  return () => broker.stop()
}
