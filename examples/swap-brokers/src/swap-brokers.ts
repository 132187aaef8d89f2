// Orders move from RabbitMQ to Kafka and back, while they are placed and charged:
//   node examples/swap-brokers/src/swap-brokers.ts
// RABBITMQ_URL and KAFKA_URL name brokers that run already; without, they are started, and removed afterwards.
import { startBroker } from '@waybill/brokers'
import { swap } from './swap.ts'

const addresses = {
  rabbitmq: process.env.RABBITMQ_URL ?? (await startBroker('rabbitmq')).url,
  kafka: process.env.KAFKA_URL ?? (await startBroker('kafka')).url,
}
const result = await swap({ addresses, loadMs: 2_000, progress: (line) => console.log(line) })
console.log(result)
const { sent, charged, lost, chargedTwice, orderViolations } = result
const isRight = charged === sent && lost + chargedTwice + orderViolations === 0
console.log(isRight ? 'Right: each order charged once, each customer in order.' : 'Wrong.')
process.exit(isRight ? 0 : 1)
