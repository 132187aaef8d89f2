import { bytes, channel, connect, MessagingError } from '@waybill/core'

/** What the parent says, as JSON in the first argument. */
export interface VictimOptions {
  /** A broker that is one: to have everything loaded before memory is measured. */
  readonly url: string
  readonly hostileUrl: string
}

/** What the program says at its end, as one line of JSON. */
export interface VictimReport {
  /** The most that the process grew by, at any time. */
  readonly grownBytes: number
  /** Codes of all errors that it was told of. */
  readonly codes: readonly string[]
  /** Errors that reached nobody, or were of no type. */
  readonly wild: readonly string[]
}

/** Consumes from what is no broker, until it is told that it has suffered enough, and tells what that cost. */
async function victim({ url, hostileUrl }: VictimOptions): Promise<void> {
  const codes: string[] = []
  const wild: string[] = []
  const note = (error: unknown): void => {
    if (MessagingError.is(error)) codes.push(error.code)
    else wild.push(String(error))
  }
  process.on('unhandledRejection', (error) => wild.push(`unhandled: ${error}`))
  process.on('uncaughtException', (error) => wild.push(`uncaught: ${error}`))
  await (await connect(url)).close()
  const sizeBefore = process.memoryUsage().rss
  let grownBytes = 0
  const look = (): void => {
    grownBytes = Math.max(grownBytes, process.memoryUsage().rss - sizeBefore)
  }
  const looking = setInterval(look, 10)
  const files = channel('files', { schema: bytes, groups: ['hostage'] })
  const ending = new AbortController()
  let isConsuming = false
  const consuming = connect(hostileUrl, { signal: ending.signal, onEvent: ({ error }) => error && note(error) }).then(
    async (messaging) => {
      const options = { group: 'hostage', concurrency: 4, signal: ending.signal } as const
      await messaging.consume(files, options, () => new Promise(() => {})).then(() => (isConsuming = true), note)
      return messaging
    },
  )
  consuming.catch(note)
  await new Promise((resolve) => process.once('SIGUSR2', resolve))
  // A consumer that has started would drain, and its handlers never end.
  if (!isConsuming) ending.abort()
  await consuming.then((messaging) => messaging.close({ drainMs: 200 })).catch(() => {})
  look()
  clearInterval(looking)
  const report: VictimReport = { grownBytes, codes, wild }
  process.stdout.write(`${JSON.stringify(report)}\n`, () => process.exit(0))
}

await victim(JSON.parse(process.argv[2] ?? '{}') as VictimOptions)
