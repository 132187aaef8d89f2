import { startBroker } from '@waybill/brokers'
import { runLong } from '@waybill/conformance'
import { harness } from './rabbitmq-harness.ts'

/** The long cases in full on a RabbitMQ of their own: `npm run test:long -- --adapter rabbitmq`. */
const broker = await startBroker('rabbitmq')
try {
  process.exitCode = await runLong(await harness(broker.description), process.argv.slice(2))
} finally {
  await broker.stop()
}
