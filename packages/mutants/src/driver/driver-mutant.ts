import type { Driver } from '@waybill/core/driver'
import type { Mutant } from '../mutant.ts'

/** A mutant that is a wrapper around whatever driver the harness makes. */
export interface DriverMutant extends Omit<Mutant, 'kind' | 'patches'> {
  wrap(driver: Driver): Driver
}
