import type { ChannelConfiguration } from '@waybill/core'
import type { Driver } from '@waybill/core/driver'
import type { ForeignMessage } from './foreign-message.ts'
import type { GroupAddress } from './probe.ts'

/** What can be done to one link between a driver and the broker. */
export type LinkFaultName = 'cut' | 'blackhole' | 'slow' | 'halfOpen'

/** Everything a case can ask of a harness beyond a driver and a probe. */
export type FaultName = LinkFaultName | Exclude<keyof Faults, 'link' | 'heal'>

/**
 * A path to the broker that can be disturbed without touching other paths: in front of a real broker, a TCP proxy.
 * A driver made with it uses it for all its connections.
 */
export interface Link {
  /** Resets every connection. New ones are let through. Resolves when both ends were told. */
  cut(): Promise<void>
  /** Resets every connection and refuses new ones until `restore`: for the broker, the process behind it is dead. */
  sever(): Promise<void>
  /** Swallows all bytes in both directions; nothing is closed. */
  blackhole?(): Promise<void>
  /** Forwards this many bytes per second in each direction, in writes of at most `chunkBytes`. */
  slow?(options: { bytesPerSecond: number; chunkBytes?: number }): Promise<void>
  /** The broker's side is closed, the driver's side hears nothing of it. */
  halfOpen?(): Promise<void>
  /** Back to normal for new connections and for those that live. */
  restore(): Promise<void>
  close(): Promise<void>
}

/** Existing entities, how to configure a channel on them, and where the probe finds them. */
export interface ForeignTopology {
  readonly configuration: Omit<ChannelConfiguration, 'connection'>
  readonly main: GroupAddress
  readonly dead: GroupAddress
}

export interface HostileBroker {
  readonly url: string
  /** On how many connections it has begun to be hostile. */
  readonly attacked: number
  /** How many connections have been hung up on it. */
  readonly left: number
  close(): Promise<void>
}

/** What the harness can do to the broker. Each is optional: a case that needs a missing one is reported as not run. */
export interface Faults {
  readonly link?: { readonly kinds: readonly LinkFaultName[]; open(): Promise<Link> }
  /** Stops the broker in good order and starts it again, with what it had stored. Resolves when it answers. */
  restart?(): Promise<void>
  /** Kills the broker at once (`SIGKILL`) and starts it again. Resolves when it answers. */
  kill?(): Promise<void>
  /** Kills the broker and leaves it down until `start`. */
  stop?(): Promise<void>
  start?(): Promise<void>
  /** The broker asks senders to wait (a memory alarm), until `unblock`. */
  block?(): Promise<void>
  unblock?(): Promise<void>
  /** An operator closes every client connection, and keeps clients out for as long as they may take to notice. */
  closeConnections?(): Promise<void>
  /** Deletes what holds the messages of a group, or a whole channel, while others are connected. */
  deleteTopology?(address: { readonly channel: string; readonly group?: string }): Promise<void>
  /** The broker refuses what is sent to this group, in which a message waits, until the answer is called. */
  refuseSends?(address: GroupAddress): Promise<() => Promise<void>>
  /** The broker refuses the next `count` settlements, and delivers those messages again. */
  refuseSettlements?(count: number): Promise<void>
  /** Gives a driver with credentials of its own, and what takes those away and closes its connections. */
  revokeCredentials?(): Promise<{ readonly driver: Driver; revoke(): Promise<void> }>
  /** Makes the entities of a group with other arguments than the adapter would. */
  misdeclare?(address: GroupAddress): Promise<void>
  /** Makes entities that the adapter did not name. Their names contain `name`. */
  createForeign?(name: string, group: string): Promise<ForeignTopology>
  /**
   * Puts messages on a group as only a foreign client could, in their order: any header of any kind that the wire can
   * carry. Resolves when the broker has them.
   */
  injectForeign?(address: GroupAddress, messages: readonly ForeignMessage[]): Promise<void>
  /** Puts a message on a group whose envelope the adapter's mapper cannot read. */
  injectUnreadable?(address: GroupAddress): Promise<void>
  /** Drivers that cannot connect, each for one reason. */
  wrongHost?(): Driver | Promise<Driver>
  refusedPort?(): Driver | Promise<Driver>
  badCredentials?(): Driver | Promise<Driver>
  /** Connects, but may neither create nor use anything. */
  forbidden?(): Driver | Promise<Driver>
  /** The URL of a user of its own who may do everything, and the password in it. */
  credentials?(): Promise<{ readonly url: string; readonly secret: string }>
  /** Over TLS, with the broker's authority trusted. So are the others below, the self-signed one aside. */
  validCertificate?(): Driver | Promise<Driver>
  selfSignedCertificate?(): Driver | Promise<Driver>
  expiredCertificate?(): Driver | Promise<Driver>
  wrongHostCertificate?(): Driver | Promise<Driver>
  /** Over TLS, to a port where the broker speaks without. */
  plainTextForTls?(): Driver | Promise<Driver>
  /** A server that does something hostile instead of being a broker. */
  readonly hostileBroker?: {
    /** What it can do, in words. */
    readonly attacks: readonly string[]
    open(attack: string): Promise<HostileBroker>
  }
  /** Other processes reach the same broker: by the URL of the harness, with the adapter as installed in this folder. */
  readonly process?: { readonly folder: URL }
  /** Options for a driver under which the broker itself gives a message up after about so many deliveries. */
  readonly backstop?: { readonly deliveries: number; readonly options: { readonly [option: string]: unknown } }
  /** Everything as it was. Called after each case that needed a fault. */
  heal?(): Promise<void>
}
