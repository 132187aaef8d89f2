import type { Driver, DriverContext } from '@waybill/core/driver'
import { MemoryConnection } from './memory-connection.ts'
import { aborted, classifyMemoryError } from './memory-errors.ts'
import { checkMemoryOptions, type MemoryOptions } from './memory-options.ts'

/**
 * A driver to an embedded broker: of its own, of a name that the process shares, or one given.
 *
 * Nothing is stored outside the process. Messages, groups and delays outlive connections and drivers, as long as
 * something refers to the broker.
 *
 * @throws MessagingError `invalidArgument` on an unknown or contradictory option.
 */
export function memory(options: MemoryOptions = {}): Driver {
  const { broker, system, capabilities } = checkMemoryOptions(options)
  const driver: Driver = {
    specVersion: 1,
    system,
    capabilities,
    classify: classifyMemoryError,
    async connect(context: DriverContext) {
      await broker.faults.admit({ driver, role: context.role }, context.signal)
      if (context.signal.aborted) throw aborted(context.signal)
      return new MemoryConnection({ driver, broker, capabilities, context })
    },
  }
  return driver
}
