import type { Driver } from './driver/driver.ts'

/** A value in a configuration. `{ env }` is read from the environment when connecting; a missing variable is an error. */
export type Setting =
  | string
  | number
  | boolean
  | null
  | { env: string }
  | readonly Setting[]
  | { readonly [name: string]: Setting }

/** Addresses and broker settings: what JSON, YAML or the environment can say. Unknown options are errors. */
export interface Configuration {
  /** By name: a URL, a driver, or a record whose `driver` names an adapter (`rabbitmq`, or a package). */
  connections: { [name: string]: string | Driver | { driver: string; [option: string]: Setting } }
  /** Key: a channel name, or a prefix ending in `*`. The longest match wins; nothing is merged. */
  channels?: { [pattern: string]: string | ChannelConfiguration }
}

/** How one channel is found on its connection. */
export interface ChannelConfiguration {
  connection: string
  /** `create` (default) makes what is missing, `verify` refuses to start without it, `none` trusts that it is there. */
  provision?: 'create' | 'verify' | 'none'
  /**
   * How CloudEvents are sent to it: `binary` (default), attributes as headers beside the body; `structured`, all in one
   * JSON document. Both are read in any case. A message without a body is always binary.
   */
  contentMode?: 'binary' | 'structured'
  /** An existing entity of the broker to use instead of one named after the channel. */
  address?: string
  groups?: { [group: string]: { address?: string; deadLetterAddress?: string } }
  /** The adapter's own settings for what it makes. */
  topology?: { [option: string]: Setting }
}
