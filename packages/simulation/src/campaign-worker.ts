import { parentPort, workerData } from 'node:worker_threads'
import { patchModules } from '@waybill/source-patch'
import type { CampaignNews, CampaignShare, FailedSeed } from './campaign.ts'
import { profileNames } from './profile-name.ts'
import { realMs } from './real-world.ts'

const newsEveryMs = 500
const share = workerData as CampaignShare

// Nobody looks at stacks, and they cost a tenth of the time.
Error.stackTraceLimit = 0
if (share.patch !== undefined) patchModules(new URL('../../../', import.meta.url), [share.patch])
// Only now, so that the patch is in.
const { investigate } = await import('./investigation.ts')
const { makeSchedule } = await import('./schedule-maker.ts')
const { simulate } = await import('./simulation.ts')

let lastNewsAtMs = realMs()
let count = 0
for (let index = 0; index < share.seeds; index++) {
  const seed = share.firstSeed + index * share.stride
  const profile = share.profile ?? profileNames[seed % profileNames.length]!
  const schedule = makeSchedule(seed, profile)
  const { violation } = await simulate(schedule, { traced: false })
  count++
  if (violation !== undefined) {
    const brief: FailedSeed = { seed, profile, violation, without: [], story: '' }
    tell({ kind: 'failed', failed: share.isBrief ? brief : await investigate(schedule) })
  }
  if (realMs() - lastNewsAtMs < newsEveryMs) continue
  tell({ kind: 'done', count })
  count = 0
  lastNewsAtMs = realMs()
}
tell({ kind: 'done', count })

function tell(news: CampaignNews): void {
  parentPort?.postMessage(news)
}
