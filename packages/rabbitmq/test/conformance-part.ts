import { startBroker } from '@waybill/brokers'
import { type Part, testConformance } from '@waybill/conformance/vitest'
import { afterAll } from 'vitest'
import { harness } from './rabbitmq-harness.ts'

/** A part of the kit, on a broker of its own: it is stopped and killed while other parts and tests go on. */
export async function testPart(part: Part): Promise<void> {
  const broker = await startBroker('rabbitmq')
  afterAll(() => broker.stop(), 60_000)
  testConformance(await harness(broker.description), part)
}
