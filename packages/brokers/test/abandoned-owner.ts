import { startBroker } from '../src/index.ts'

const broker = await startBroker('rabbitmq')
process.stdout.write(`${broker.description.containerId}\n`)
setInterval(() => {}, 1_000)
