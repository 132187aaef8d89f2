import { startBroker } from '@waybill/brokers'
import { runLong } from '@waybill/conformance'
import { harness } from './kafka-harness.ts'

/** The long cases in full on a Kafka of their own: `npm run test:long -- --adapter kafka`. */
const broker = await startBroker('kafka')
try {
  process.exitCode = await runLong(await harness(broker.description), process.argv.slice(2))
} finally {
  await broker.stop()
}
