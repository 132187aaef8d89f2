import type { GroupAddress, Probe, ProbeMessage } from '@waybill/conformance'
import type { Address } from '@waybill/core/driver'
import { type ChannelModel, type ConfirmChannel, type ConsumeMessage, connect } from 'amqplib'
import type { Management } from './rabbitmq-management.ts'

/** Entities by the names that the adapter's README documents. */
export const queueOf = ({ channel, group, lane = 'main' }: GroupAddress): string =>
  lane === 'main' ? `${channel}/${group}` : `${channel}/${group}/${lane}`

/** Whether a queue is the one of that name, or a shard of it. */
export const isOf = (queue: string, name: string): boolean =>
  queue === name || (queue.startsWith(`${name}/shard.`) && /^\d+$/.test(queue.slice(`${name}/shard.`.length)))

const connectionName = 'waybill probe'
const takeMs = 10_000

/** RabbitMQ through amqplib alone, plus the management API for what AMQP cannot say. */
export function rabbitmqProbe(
  url: string,
  management: Management,
): Probe & { open(): Promise<void>; close(): Promise<void> } {
  let opened: Promise<ChannelModel> | undefined

  const connection = (): Promise<ChannelModel> => {
    opened ??= connect(url, { clientProperties: { connection_name: connectionName } }).then(
      (made) => made.on('error', () => {}).on('close', forget) as ChannelModel,
      (error: unknown) => {
        forget()
        throw error
      },
    )
    return opened
  }
  const forget = (): void => {
    opened = undefined
  }
  const withChannel = async <T>(use: (channel: ConfirmChannel) => Promise<T>): Promise<T> => {
    const channel = await (await connection()).createConfirmChannel()
    channel.on('error', () => {})
    try {
      return await use(channel)
    } finally {
      await channel.close().catch(() => {})
    }
  }

  /** The queues of a lane: one, or its shards where messages are kept in order. */
  const queuesOf = async (address: GroupAddress): Promise<readonly string[]> => {
    const name = queueOf(address)
    const names = (await management.queues()).map((queue) => queue.name)
    const found = names.filter((each) => isOf(each, name))
    if (found.length === 0) throw new Error(`no queue of ${name}`)
    return found.sort()
  }
  const read = (address: GroupAddress, limit: number, keep: boolean): Promise<readonly ProbeMessage[]> =>
    withChannel(async (channel) => {
      const messages: ProbeMessage[] = []
      for (const queue of await queuesOf(address)) {
        messages.push(...(await readQueue(channel, queue, limit - messages.length, keep)))
      }
      return messages
    })

  const depth = async (at: GroupAddress): Promise<number> => {
    const queues = await queuesOf(at)
    return withChannel(async (channel) => {
      const counts = await Promise.all(queues.map((queue) => channel.checkQueue(queue)))
      return counts.reduce((sum, { messageCount }) => sum + messageCount, 0)
    })
  }
  /** What was given back shows in the queue a moment after the amqp channel was closed. */
  const untilBack = async (at: GroupAddress, count: number): Promise<void> => {
    for (let looks = 0; looks < 100 && (await depth(at)) < count; looks++) {
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
  }

  return {
    async inject(to: Address, message) {
      await withChannel(async (channel) => {
        const [exchange, routingKey] =
          to.group === undefined ? [to.channel, message.key ?? ''] : ['', (await queuesOf(to))[0] ?? '']
        const { body, ...properties } = published(message)
        channel.publish(exchange, routingKey, body, { persistent: true, mandatory: true, ...properties })
        await channel.waitForConfirms()
      })
    },
    extract: (from, limit = Number.POSITIVE_INFINITY) => read(from, limit, false),
    async readDeadLetters(channel, group) {
      const at = { channel, group, lane: 'dead' } as const
      const letters = await read(at, Number.POSITIVE_INFINITY, true)
      await untilBack(at, letters.length)
      return letters
    },
    depth,
    async unsettled(at) {
      const names = await queuesOf(at)
      const queues = (await management.queues()).filter(({ name }) => names.includes(name))
      return queues.reduce((sum, queue) => sum + (queue.messages_unacknowledged ?? 0), 0)
    },
    async entities(fragment) {
      const found = [...(await management.queues()), ...(await management.exchanges())].map(({ name }) => name)
      return [...new Set(found)].filter((name) => name.includes(fragment)).sort()
    },
    async connections() {
      const all = await management.connections()
      return all.filter((each) => each.client_properties?.connection_name !== connectionName).length
    },
    async open() {
      await connection()
    },
    async close() {
      const model = await opened?.catch(() => undefined)
      await model?.close().catch(() => {})
    },
  }
}

/** Takes as many as wait now; acknowledged, or given back by closing the channel. */
async function readQueue(
  channel: ConfirmChannel,
  queue: string,
  limit: number,
  keep: boolean,
): Promise<ProbeMessage[]> {
  const { messageCount } = await channel.checkQueue(queue)
  const wanted = Math.min(messageCount, limit)
  if (wanted <= 0) return []
  await channel.prefetch(wanted)
  const messages: ConsumeMessage[] = []
  await new Promise<void>((resolve, reject) => {
    const late = setTimeout(() => reject(new Error(`${queue}: ${messages.length} of ${wanted} messages came`)), takeMs)
    const take = (message: ConsumeMessage | null): void => {
      if (message !== null && messages.length < wanted) messages.push(message)
      if (messages.length < wanted) return
      clearTimeout(late)
      resolve()
    }
    channel.consume(queue, take, { consumerTag: queue }).catch(reject)
  })
  await channel.cancel(queue)
  const last = messages.at(-1)
  if (!keep && last !== undefined) channel.ack(last, true)
  await channel.checkQueue(queue)
  return messages.map(asRead)
}

const attributePrefix = 'ce-'
/** How the adapter's README says it writes names that RabbitMQ or amqplib would act on, and the absence of a body. */
const escapePrefix = 'waybill-header-'
const tombstone = 'waybill-tombstone'

/** Under the CloudEvents binding: `ce-` headers, and the content type as `datacontenttype`. */
function asRead({ properties, content }: ConsumeMessage): ProbeMessage {
  const attributes: Record<string, string> = Object.create(null)
  const headers: Record<string, string> = Object.create(null)
  if (properties.contentType !== undefined) attributes.datacontenttype = properties.contentType
  for (const [name, value] of Object.entries(properties.headers ?? {})) {
    if (typeof value !== 'string') continue
    if (name.startsWith(attributePrefix)) attributes[name.slice(attributePrefix.length)] = value
    else headers[name.startsWith(escapePrefix) ? name.slice(escapePrefix.length) : name] = value
  }
  const isTombstone = properties.headers?.[tombstone] === true && content.length === 0
  return { attributes, headers, key: attributes.partitionkey, body: isTombstone ? undefined : content }
}

/** What is not given is not on the wire: no attributes, no `ce-` header. Tombstones are the adapter's own invention. */
function published(message: Partial<ProbeMessage>): { body: Buffer; headers: object; contentType?: string } {
  const { attributes = {}, headers = {}, key, body } = message
  const { datacontenttype, ...context } = attributes
  const version = Object.keys(context).length > 0 ? { specversion: '1.0' } : {}
  const keyed = key === undefined ? {} : { partitionkey: key }
  const written = Object.entries({ ...version, ...keyed, ...context }).map(([name, value]) => [
    attributePrefix + name,
    value,
  ])
  const isTombstone = 'body' in message && body === undefined
  return {
    body: Buffer.from(body ?? []),
    headers: Object.fromEntries([...Object.entries(headers), ...written, ...(isTombstone ? [[tombstone, true]] : [])]),
    ...(datacontenttype === undefined ? {} : { contentType: datacontenttype }),
  }
}
