import {
  channel,
  type Channel,
  type Handler,
  type Message,
  type Messaging,
  type SendOptions,
  type StandardSchemaV1,
} from '@waybill/core'

/** What the cases send where the content does not matter. */
export interface Item {
  readonly n: number
  readonly key: string
  readonly text?: string
}

export interface ItemTypes<G extends string> {
  send: Item
  message: Message<Item>
  group: G
  handler: Handler<Item>
  reply: undefined
}

export type ItemChannel<G extends string = string> = Channel<ItemTypes<G>>

/** A schema without a library, so that the kit has no dependency. */
export const itemSchema: StandardSchemaV1<Item, Item> = {
  '~standard': {
    version: 1,
    vendor: 'waybill-conformance',
    validate(value) {
      const { n, key } = (value ?? {}) as Partial<Item>
      if (typeof n === 'number' && typeof key === 'string') return { value: value as Item }
      return { issues: [{ message: 'expected { n: number, key: string }' }] }
    },
  },
}

/** A channel of items. Its key is the item's, unless `keyless`. */
export function itemChannel<const G extends string>(
  name: string,
  groups: readonly G[],
  { ordering, keyless = false }: { ordering?: 'key'; keyless?: boolean } = {},
): ItemChannel<G> {
  const key = (item: Item): string => item.key
  if (keyless) return channel(name, { schema: itemSchema, groups })
  if (ordering === undefined) return channel(name, { schema: itemSchema, groups, key })
  return channel(name, { schema: itemSchema, groups, key, ordering })
}

/** One item, of the key `k0` unless said. */
export function item(n = 0, { key = 'k0', text }: { key?: string; text?: string } = {}): Item {
  return { n, key, ...(text === undefined ? {} : { text }) }
}

/** `count` items, numbered from 0, spread over `keys` keys in turn. */
export function items(count: number, { keys = 1, text }: { keys?: number; text?: string } = {}): readonly Item[] {
  const textOf = text === undefined ? {} : { text }
  return Array.from({ length: count }, (_, n) => item(n, { key: `k${n % keys}`, ...textOf }))
}

/** Sends all at once, without waiting for one before the next, and gives the ids in the order of `data`. */
export async function sendItems(
  messaging: Messaging,
  channel: ItemChannel,
  data: readonly Item[],
  options?: SendOptions,
): Promise<readonly string[]> {
  const receipts = await Promise.all(data.map((item) => messaging.send(channel, item, options)))
  return receipts.map(({ id }) => id)
}

/** The item in a body that the probe read. */
export function itemIn(body: Uint8Array | undefined): Item {
  return JSON.parse(new TextDecoder().decode(body)) as Item
}
