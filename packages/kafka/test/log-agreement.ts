import { type LogAgreement, LogReviewer, reviewSimulations } from '@waybill/simulation'
import { recordLoad } from './recorded-load.ts'
import { times } from './recorded-member.ts'

/** What was settled so long before is committed: two heartbeats for a dead link to be noticed, and a second. */
const graceMs = 3_000
/** Timers are not exact to the millisecond. */
const finishMs = times.rebalanceDrainMs - 10
/** Always the same ones: what the simulation does, it does again. */
const schedules = { firstSeed: 1, seeds: 1_200 }

export const pageFile = new URL('../conformance/log-agreement.md', import.meta.url)

/** Has the production core work on the Kafka at `url` and on the simulated log, and looks at both with the same eyes. */
export async function agreementOn(url: string, say: (step: string) => void): Promise<LogAgreement> {
  const reviewer = new LogReviewer({ graceMs, finishMs })
  reviewer.look('Kafka', await recordLoad(url, say))
  say(`${schedules.seeds} schedules of the simulated log`)
  return { simulated: await reviewSimulations(schedules), real: reviewer.review }
}
