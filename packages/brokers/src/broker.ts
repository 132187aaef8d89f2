import type { ContainerFaults } from './container-faults.ts'

/** What every broker of this package offers, in whichever process. */
export interface Broker<Description extends BrokerDescription = BrokerDescription> {
  readonly name: string
  /** As the broker itself states it. */
  readonly version: string
  /** With credentials that may do everything. */
  readonly url: string
  /** Plain data from which another process makes the same with `attachBroker`. */
  readonly description: Description
  /** Absent for a broker that somebody else runs: nothing here may stop it. */
  readonly faults?: ContainerFaults
}

/** A broker that this process started, or found at a given address. */
export type StartedBroker<B extends Broker> = B &
  AsyncDisposable & {
    /** Removes the container with its data; leaves a broker alone that somebody else runs. May be called again. */
    stop(): Promise<void>
  }

/** Survives `JSON.stringify` and structured cloning. */
export interface BrokerDescription {
  readonly name: string
  readonly version: string
  readonly url: string
  /** Absent for a broker that somebody else runs. */
  readonly containerId?: string
}

/** How one broker is started and found again. */
export interface BrokerFixture<B extends Broker> {
  start(progress: (line: string) => void): Promise<B['description']>
  attach(description: B['description']): Promise<B>
}
