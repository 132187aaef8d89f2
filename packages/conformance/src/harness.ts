import type { Configuration } from '@waybill/core'
import type { Driver } from '@waybill/core/driver'
import type { Faults, Link } from './faults.ts'
import type { Probe } from './probe.ts'

/** How an adapter and one broker are put under the kit: a plain object in the adapter's own test. */
export interface Harness {
  /** The folder of the adapter's package: `rabbitmq`. */
  readonly adapter: string
  /** The name of the report: `rabbitmq-4`. */
  readonly profile: string
  /** Product and version, as the broker itself says. */
  readonly broker: string
  /** Whether this is an emulator or stand-in and not the product. */
  readonly standIn: boolean
  /** The folder of the committed reports. Left out (a broker of unknown make): the report is only printed. */
  readonly reports?: URL
  /** Long cases stay at their reduced size, also in a long run: another harness runs the same broker in full. */
  readonly reduced?: boolean
  /** What selects this adapter and broker in a configuration. */
  readonly url: string
  readonly timings: Timings
  readonly probe: Probe
  readonly faults: Faults
  /** A new driver each time, so that a case may have several instances. Constructing one does no I/O. */
  createDriver(request?: DriverRequest): Driver
  /** Runs once before the first case: opens the probe, makes sure that the broker answers. */
  open?(): Promise<void>
  /** Removes every entity whose name contains `fragment`. After each case. */
  sweep(fragment: string): Promise<void>
  /** Runs once after the last case. */
  close?(): Promise<void>
}

export interface DriverRequest {
  /** Reach the broker through this link. */
  readonly link?: Link
  /** The adapter's own options, over those of the harness. */
  readonly options?: { readonly [option: string]: unknown }
}

/** What the broker's nature dictates to every wait of the kit. Milliseconds. */
export interface Timings {
  /** A sent message has arrived by then: the deadline of waits that name none. */
  readonly arriveMs: number
  /** How much later than promised something may come. */
  readonly toleranceMs: number
  /** How long a case watches for what must not happen. */
  readonly quietMs: number
  /** A message that its consumer never settled is delivered again by then: a lease, or the notice of a lost connection. */
  readonly leaseMs: number
  /** A silent connection is noticed within two of these. */
  readonly heartbeatMs: number
  /** From the end of a fault until messages flow again. */
  readonly recoverMs: number
}

/** The same harness with every driver passed through `wrap`: how a mutant is put under the kit. */
export function withDriver(harness: Harness, wrap: (driver: Driver) => Driver): Harness {
  return { ...harness, createDriver: (request) => wrap(harness.createDriver(request)) }
}

/** A configuration with one connection, `main`, to `driver`, for the channels that `patterns` describe. */
export function configurationFor(driver: Driver | string, channels: Configuration['channels'] = {}): Configuration {
  return { connections: { main: driver }, channels: { '*': 'main', ...channels } }
}
