import { startBroker } from '@waybill/brokers'
import { testConformance } from '@waybill/conformance/vitest'
import { afterAll } from 'vitest'
import { harness } from './kafka-harness.ts'

// On a broker of its own: it is stopped and killed while the other tests go on.
const broker = await startBroker('kafka')
afterAll(() => broker.stop(), 60_000)
testConformance(await harness(broker.description))
