import { runCommand } from './command.ts'
import { interruptible } from './interruption.ts'

const signal = interruptible()
process.exitCode = await runCommand(process.argv.slice(2), process.stdout, { signal })
// A broker that was still starting would keep this process; its container goes with it.
if (signal.aborted) process.exit()
