import type { Headers } from '@waybill/core/driver'

/** The core's headers by their names on the wire, which other versions and other processes rely on. */
export const coreHeaders = {
  attempt: 'waybill-attempt',
  due: 'waybill-due',
  firstFailure: 'waybill-first-failure-at',
} as const

export function numberHeader(headers: Headers, name: string): number {
  return Number(headers[name] ?? 0)
}
