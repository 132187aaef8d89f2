import { connect } from '@waybill/core'
import { itemChannel } from '../item.ts'

/** What the parent says, as JSON in the first argument. */
export interface RelayOptions {
  readonly url: string
  readonly from: string
  readonly to: string
  readonly group: string
  readonly concurrency: number
  /** How long handling one message takes. */
  readonly workMs: number
  readonly drainMs: number
}

/**
 * A consumer in a process of its own: passes each message on and writes its id, one per line, once that is confirmed.
 * SIGTERM closes it. It never calls `process.exit`: what keeps it alive after close is a leak.
 */
async function relay({ url, from, to, group, concurrency, workMs, drainMs }: RelayOptions): Promise<void> {
  const messaging = await connect(url, { source: '/conformance/relay' })
  process.once('SIGTERM', () => {
    void messaging.close({ drainMs }).then(() => console.log('closed'))
  })
  const target = itemChannel(to, [group])
  const retry = { maxAttempts: 1, delaysMs: [] }
  await messaging.consume(
    itemChannel(from, [group]),
    { group, concurrency, retry },
    async (data, { message, send }) => {
      await new Promise((resolve) => setTimeout(resolve, workMs))
      await send(target, data, { id: message.id })
      console.log(`handled ${message.id}`)
    },
  )
  console.log('ready')
}

await relay(JSON.parse(process.argv[2] ?? '{}') as RelayOptions)
