import { MessagingError } from '@waybill/core'
import { type BrokerAddress, brokerAddress, fixedAddress } from './broker-address.ts'
import { type CommandLine, readCommandLine } from './command-line.ts'
import { unlessAborted } from './deadline.ts'
import { Interruption } from './interruption.ts'
import { type PipelineOptions, runPipeline } from './pipeline.ts'
import { type Output, Progress } from './progress.ts'
import { Report } from './report.ts'
import { deviations, showResult } from './result-table.ts'

/** Runs the program and answers its exit status: 0 right, 1 wrong or failed, 2 misused, more when interrupted. */
export async function runCommand(
  arguments_: readonly string[],
  output: Output,
  options: Omit<PipelineOptions, 'url' | 'messages'> = {},
): Promise<number> {
  const commandLine = readCommandLine(arguments_, (text) => output.write(text))
  if ('exitStatus' in commandLine) return commandLine.exitStatus
  const progress = new Progress(output)
  const { signal } = options
  signal?.addEventListener('abort', () => new Report(progress).interrupted(), { once: true })
  try {
    await using address = await unlessAborted(addressOf(commandLine, progress), signal)
    const result = await runPipeline(
      { ...options, url: address.url, messages: commandLine.messages },
      new Report(progress),
    )
    showResult(result, progress)
    return deviations(result).length === 0 ? 0 : 1
  } catch (error) {
    if (signal?.reason instanceof Interruption) {
      progress.line(progress.color.yellow(`${signal.reason.message}: ended in order, with no result`))
      return signal.reason.exitStatus
    }
    progress.line(progress.color.red(`error: ${error instanceof Error ? error.message : String(error)}`))
    return commandLine.url !== undefined && isMisuse(error) ? 2 : 1
  }
}

async function addressOf({ url, broker }: CommandLine, progress: Progress): Promise<BrokerAddress> {
  if (url !== undefined) return fixedAddress(url)
  return brokerAddress(broker, (line) => progress.line(progress.color.dim(line)))
}

/** An address that cannot be one, or whose adapter is not there. */
function isMisuse(error: unknown): boolean {
  return MessagingError.is(error) && (error.code === 'invalidArgument' || error.code === 'notFound')
}
