import { setTimeout as pause } from 'node:timers/promises'
import { answeringEngine } from './engine.ts'
import { removeSession } from './session.ts'

/**
 * A process of its own that outlives its owner by moments: when the pipe from the owner closes, for whatever reason (end,
 * signal, `kill -9`), it removes the containers of the owner's session. Twice, for one that was being created just then.
 */
const session = process.argv[2]
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {})
for await (const _ of process.stdin);
const engine = await answeringEngine()
if (engine !== undefined && session !== undefined) {
  await removeSession(engine, session)
  await pause(1_500)
  await removeSession(engine, session)
}
process.exit(0)
