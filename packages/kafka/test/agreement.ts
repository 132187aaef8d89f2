import { writeFileSync } from 'node:fs'
import { startBroker } from '@waybill/brokers'
import { agreementPage, declarationProblems, disagreements } from '@waybill/simulation'
import { kafka } from '../src/index.ts'
import { agreementOn, pageFile } from './log-agreement.ts'

/** The simulated log against the real one, on a Kafka of its own; writes the page when they agree: `npm run agreement`. */
const broker = await startBroker('kafka')
try {
  const agreement = await agreementOn(broker.url, (step) => console.error(`${performance.now().toFixed(0)} ${step}`))
  const page = agreementPage(agreement, `Kafka ${broker.version}`)
  const problems = [...declarationProblems(kafka({ url: broker.url }).capabilities), ...disagreements(agreement)]
  console.log([page, ...problems].join('\n'))
  if (problems.length === 0) writeFileSync(pageFile, page)
  process.exitCode = problems.length === 0 ? 0 : 1
} finally {
  await broker.stop()
}
