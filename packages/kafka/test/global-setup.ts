import { type KafkaDescription, startBroker } from '@waybill/brokers'
import type { TestProject } from 'vitest/node'

declare module 'vitest' {
  interface ProvidedContext {
    kafka: KafkaDescription
  }
}

/** One Kafka for the whole run; every test file attaches to it. */
export default async function setup({ provide }: TestProject): Promise<() => Promise<void>> {
  const broker = await startBroker('kafka')
  provide('kafka', broker.description)
  return () => broker.stop()
}
