import { connect } from '@waybill/core'
import { item, itemChannel } from '../item.ts'

/** What the parent says, as JSON in the first argument. */
export interface OfferOptions {
  readonly url: string
  readonly channel: string
  readonly group: string
  readonly count: number
  readonly overMs: number
  readonly bodyBytes: number
  /** Sends before that, so that the process has its working size. */
  readonly warmUp: number
}

const everyMs = 10
/** The others are not looked at, so that what grows is what sending keeps; a rejection of any would end the process. */
const watchEvery = 500

/**
 * A sender in a process of its own. On SIGUSR2 it offers `count` sends, evenly over `overMs`, whether or not the ones
 * before have resolved. Says how much the process grew, when sends resolve again, and when all have.
 */
async function offer({ url, channel, group, count, overMs, bodyBytes, warmUp }: OfferOptions): Promise<void> {
  const messaging = await connect(url, { source: '/conformance/offer' })
  const target = itemChannel(channel, [group])
  const options = { timeoutMs: 120_000 }
  const data = item(0, { text: 'x'.repeat(bodyBytes) })
  for (let sent = 0; sent < warmUp; sent += 1_000) {
    await Promise.all(Array.from({ length: 1_000 }, () => messaging.send(target, data)))
  }
  console.log('ready')
  await new Promise<void>((resolve) => process.once('SIGUSR2', resolve))
  const before = process.memoryUsage.rss()
  let most = before
  let resolved = false
  let last: Promise<unknown> = Promise.resolve()
  const startedAt = performance.now()
  for (let offered = 0; offered < count; ) {
    const due = Math.min(count, Math.ceil(((performance.now() - startedAt) / overMs) * count))
    for (; offered < due; offered++) {
      last = messaging.send(target, data, options)
      if (offered % watchEvery === 0) void last.then(() => (resolved = true))
    }
    await new Promise((resolve) => setTimeout(resolve, everyMs))
    most = Math.max(most, process.memoryUsage.rss())
  }
  console.log(`grown ${most - before} ${resolved}`)
  while (!resolved) await new Promise((resolve) => setTimeout(resolve, 1))
  console.log('resumed')
  await last
  console.log('done')
  await messaging.close()
}

await offer(JSON.parse(process.argv[2] ?? '{}') as OfferOptions)
