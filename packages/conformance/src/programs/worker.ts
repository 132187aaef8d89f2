import { connect } from '@waybill/core'
import { itemChannel } from '../item.ts'
import { callStore, remoteStore } from '../remote-store.ts'

/** What the parent says, as JSON in the first argument. */
export interface WorkerOptions {
  readonly url: string
  readonly channel: string
  readonly group: string
  readonly concurrency: number
  /** Of the served store, which also keeps the effects. */
  readonly store: string
  readonly retentionMs: number
  readonly name: string
  /** Of the channel. */
  readonly ordering?: 'key'
}

/** What the parent says of one run of the handler. */
export interface Work {
  readonly forMs: number
  readonly fails: boolean
}

/**
 * A consumer to be killed: handles each message under a claim, and commits its effect where it survives the process.
 * SIGTERM closes it.
 */
async function work(options: WorkerOptions): Promise<void> {
  const { url, channel, group, concurrency, store, retentionMs, name, ordering } = options
  const desk = { url: store, caller: name, retentionMs }
  const messaging = await connect(url, { source: '/conformance/worker' })
  process.once('SIGTERM', () => void messaging.close({ drainMs: 5_000 }))
  const idempotency = { store: remoteStore(desk) }
  const retry = { maxAttempts: 100, delaysMs: [100] }
  await messaging.consume(
    itemChannel(channel, [group], ordering === undefined ? {} : { ordering }),
    { group, concurrency, retry, idempotency },
    async ({ key, n }, context) => {
      const { id } = context.message
      const { forMs, fails } = (await callStore(desk, 'work', { id, key, n })) as Work
      await new Promise((resolve) => setTimeout(resolve, forMs))
      if (fails) throw new Error('planted')
      await callStore(desk, 'commit', { id, key, n })
    },
  )
  console.log('ready')
}

await work(JSON.parse(process.argv[2] ?? '{}') as WorkerOptions)
