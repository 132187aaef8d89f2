import type { Driver, DriverConnection, DriverContext } from '@waybill/core/driver'
import type { LogRecorder } from './log-recorder.ts'
import type { SeededRandom } from './seeded-random.ts'
import type { SimulatedBroker } from './simulated-broker.ts'
import { SimulatedConnection } from './simulated-connection.ts'
import type { SimulatedProcess } from './simulated-process.ts'

export interface DriverParts {
  readonly broker: SimulatedBroker
  readonly process: SimulatedProcess
  readonly random: SeededRandom
  readonly latencyMs: number
  /** Writes down what passes between the core and this driver. */
  readonly recorder: LogRecorder | undefined
}

/** The driver of one process, which knows no more of the broker than a driver does. */
export function simulatedDriver(parts: DriverParts): Driver {
  const { broker, process, recorder } = parts
  const driver: Driver = {
    specVersion: 1,
    system: `simulated ${broker.profile.name}`,
    capabilities: broker.profile.capabilities,
    classify: () => 'unavailable',
    connect: (context) => open({ ...parts, context }),
  }
  return recorder?.wrap(driver, process.name) ?? driver
}

function open(parts: DriverParts & { readonly context: DriverContext }): Promise<DriverConnection> {
  const { broker, process, context, random, latencyMs } = parts
  return new Promise((resolve, reject) => {
    context.signal.addEventListener('abort', () => reject(context.signal.reason as Error), { once: true })
    process.after(random.between(0, 2 * latencyMs), () => {
      if (context.signal.aborted) return
      if (!broker.isUp) return reject(new Error('connection refused'))
      resolve(new SimulatedConnection(parts))
    })
  })
}
