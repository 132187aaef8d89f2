import { browsing } from './browsing.ts'
import { content } from './content.ts'
import type { DriverMutant } from './driver-mutant.ts'
import { lifecycle } from './lifecycle.ts'
import { listening } from './listening.ts'
import { provisioning } from './provisioning.ts'
import { retrying } from './retrying.ts'
import { sending } from './sending.ts'
import { settling } from './settling.ts'

/** Every driver that is broken by a wrapper. */
export const brokenDrivers: readonly DriverMutant[] = [
  ...sending,
  ...content,
  ...settling,
  ...retrying,
  ...listening,
  ...browsing,
  ...lifecycle,
  ...provisioning,
]
