import { randomInt } from 'node:crypto'
import { createServer } from 'node:net'
import { BrokerError } from './broker-error.ts'

/** Below the range that Linux gives to outgoing connections, so that a restart finds its port free again. */
const lowest = 20_000
const highest = 32_767

/**
 * Resolves to that many different ports of this machine that nobody listens on now.
 *
 * Another process may still take one before it is used: start again with new ones when that happens.
 */
export async function freePorts(count: number): Promise<number[]> {
  const found = new Set<number>()
  for (let attempt = 0; attempt < 200 && found.size < count; attempt += 1) {
    const port = randomInt(lowest, highest + 1)
    if (!found.has(port) && (await isFree(port))) found.add(port)
  }
  if (found.size < count) {
    throw new BrokerError(
      'startFailed',
      `found only ${found.size} of ${count} free ports between ${lowest} and ${highest}`,
    )
  }
  return [...found]
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer()
    probe.on('error', () => resolve(false))
    probe.listen({ port, host: '0.0.0.0', exclusive: true }, () => probe.close(() => resolve(true)))
  })
}
