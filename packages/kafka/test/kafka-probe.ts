import type { GroupAddress, Probe, ProbeMessage } from '@waybill/conformance'
import type { Address } from '@waybill/core/driver'
import type { Admin, Kafka, Producer } from 'kafkajs'
import { kafkaAt, RawLog, type RawPosition, type RawRecord } from './kafka-cluster.ts'

/** Topics by the names that the adapter's README documents. */
export const topicOf = ({ channel, group, lane = 'main' }: Address): string => {
  const ofChannel = channel.replaceAll('_', '..-')
  if (group === undefined) return ofChannel
  const ofGroup = `${ofChannel}..${group.replaceAll('_', '..-')}`
  return lane === 'main' ? ofGroup : `${ofGroup}..${lane}`
}

/** What a group's main lane reads: the channel's topic, and the group's own. */
const topicsOf = (at: GroupAddress): readonly string[] =>
  (at.lane ?? 'main') === 'main' ? [topicOf({ channel: at.channel }), topicOf(at)] : [topicOf(at)]

/** Kafka through kafkajs alone. */
export function kafkaProbe(url: string): Probe & { open(): Promise<void>; close(): Promise<void>; readonly admin: Admin } {
  const kafka: Kafka = kafkaAt(url)
  const admin = kafka.admin()
  const producer: Producer = kafka.producer({ allowAutoTopicCreation: false })
  let opened: Promise<RawLog> | undefined
  let names = 0

  const open = async (): Promise<RawLog> => {
    await Promise.all([admin.connect(), producer.connect()])
    return RawLog.open(kafka)
  }
  const log = (): Promise<RawLog> => {
    opened ??= open()
    return opened
  }
  const existing = async (topics: readonly string[]): Promise<readonly string[]> => {
    const all = new Set(await admin.listTopics())
    const found = topics.filter((topic) => all.has(topic))
    if (found.length === 0) throw new Error(`no topic ${topics.join(' or ')}`)
    return found
  }
  /** Of each partition, where the group is and where the log ends. */
  const spans = async (at: GroupAddress): Promise<readonly { readonly from: RawPosition; readonly end: bigint }[]> => {
    const topics = await existing(topicsOf(at))
    const committed = await admin.fetchOffsets({ groupId: topicOf(at), topics: [...topics] })
    const found = await Promise.all(topics.map(async (topic) => ({ topic, offsets: await admin.fetchTopicOffsets(topic) })))
    return found.flatMap(({ topic, offsets }) =>
      offsets.map(({ partition, low, high }) => {
        const own = committed.find((each) => each.topic === topic)?.partitions.find((each) => each.partition === partition)
        const offset = BigInt(own?.offset ?? -1)
        return { from: { topic, partition, offset: offset < BigInt(low) ? BigInt(low) : offset }, end: BigInt(high) }
      }),
    )
  }
  const waiting = async (at: GroupAddress): Promise<readonly RawRecord[]> => {
    const raw = await log()
    const pieces = []
    for (const { from, end } of await spans(at)) pieces.push(...(await raw.read(from, end)))
    return pieces
  }
  const letters = async (at: GroupAddress): Promise<readonly RawRecord[]> => {
    const raw = await log()
    const [topic = ''] = await existing([topicOf(at)])
    const live = new Map<string, RawRecord>()
    const placesOf = new Map<string, string[]>()
    for (const { partition, low, high } of await admin.fetchTopicOffsets(topic)) {
      for (const record of await raw.read({ topic, partition, offset: BigInt(low) }, BigInt(high))) {
        const place = `${partition}@${record.offset}`
        const names = [`${partition}/${record.key?.toString('latin1')}`, `${partition}/waybill-at:${place}`]
        if (record.value === null) for (const buried of placesOf.get(names[0] as string) ?? []) live.delete(buried)
        else {
          live.set(place, record)
          for (const name of names) placesOf.set(name, [...(placesOf.get(name) ?? []), place])
        }
      }
    }
    return [...live.values()]
  }
  const isDead = ({ lane }: GroupAddress): boolean => lane === 'dead'
  const lag = async (at: GroupAddress): Promise<number> =>
    (await spans(at)).reduce((sum, { from, end }) => sum + Number(end - from.offset), 0)
  /** What a group with members has not committed is with them, as far as anybody can tell. */
  const hasMembers = async (at: GroupAddress): Promise<boolean> => {
    const { groups } = await admin.describeGroups([topicOf(at)])
    return groups.some(({ members }) => members.length > 0)
  }

  return {
    admin,
    async inject(to, message) {
      await log()
      const record = published(message)
      const isLetter = to.group !== undefined && to.lane === 'dead'
      // A compacted topic takes no record without a key.
      const key = isLetter ? `theirs-${process.pid}-${++names}` : record.key
      const headers = isLetter && record.key !== null ? { ...record.headers, 'waybill-key': `=${record.key}` } : record.headers
      await producer.send({ topic: topicOf(to), messages: [{ ...record, key, headers }] })
    },
    async extract(from, limit = Number.POSITIVE_INFINITY) {
      if (isDead(from)) {
        const found = (await letters(from)).slice(0, limit)
        const tombstones = found.map(({ partition, key }) => ({ partition, key, value: null }))
        if (tombstones.length > 0) await producer.send({ topic: topicOf(from), messages: tombstones })
        return found.map(asRead)
      }
      const found = [...(await waiting(from))].slice(0, limit)
      const raw = await log()
      const positions = (await spans(from)).map(({ from: begin, end }) => {
        const taken = found.filter(({ topic, partition }) => topic === begin.topic && partition === begin.partition)
        const last = taken.at(-1)
        const all = limit === Number.POSITIVE_INFINITY
        return { ...begin, offset: last !== undefined ? BigInt(last.offset) + 1n : all ? end : begin.offset }
      })
      await raw.commit(topicOf(from), positions)
      return found.map(asRead)
    },
    readDeadLetters: async (channel, group) => (await letters({ channel, group, lane: 'dead' })).map(asRead),
    async depth(at) {
      await log()
      if (isDead(at)) return (await letters(at)).length
      return (await hasMembers(at)) ? 0 : lag(at)
    },
    async unsettled(at) {
      await log()
      return !isDead(at) && (await hasMembers(at)) ? lag(at) : 0
    },
    async entities(fragment) {
      await log()
      const { groups } = await admin.listGroups()
      const found = [...(await admin.listTopics()), ...groups.map(({ groupId }) => `group ${groupId}`)]
      return found.filter((name) => name.includes(fragment)).sort()
    },
    connections: async () => undefined,
    async open() {
      await log()
    },
    async close() {
      const raw = await opened?.catch(() => undefined)
      opened = undefined
      await Promise.all([raw?.close(), producer.disconnect(), admin.disconnect()].map((each) => each?.catch(() => {})))
    },
  }
}

const attributePrefix = 'ce_'
/** How the adapter's README says it writes names that would mean something else to a reader, and what a letter's key was. */
const escapePrefix = 'waybill-header-'
const [keyHeader, tombstone] = ['waybill-key', 'waybill-tombstone']

/** Under the CloudEvents binding: `ce_` headers, the content type as `datacontenttype`, the key as `partitionkey`. */
function asRead({ key, value, headers = {} }: RawRecord): ProbeMessage {
  const attributes: Record<string, string> = Object.create(null)
  const own: Record<string, string> = Object.create(null)
  let [letterKey, isTombstone] = [undefined as string | undefined, value === null]
  for (const [name, values] of Object.entries(headers)) {
    const bytes = [values].flat().findLast((each) => Buffer.isBuffer(each)) as Buffer | undefined
    const text = (bytes ?? Buffer.alloc(0)).toString()
    if (name === 'content-type') attributes.datacontenttype = text
    else if (name === keyHeader) letterKey = text
    else if (name === tombstone) isTombstone ||= value?.length === 0
    else if (name.startsWith(attributePrefix)) attributes[name.slice(attributePrefix.length)] = text
    else own[name.startsWith(escapePrefix) ? name.slice(escapePrefix.length) : name] = text
  }
  const recordKey = letterKey === undefined ? key?.toString() : letterKey === '' ? undefined : letterKey.slice(1)
  if (recordKey !== undefined) attributes.partitionkey ??= recordKey
  return { attributes, headers: own, key: recordKey, body: isTombstone ? undefined : (value ?? undefined) }
}

interface Published {
  readonly key: string | null
  readonly value: Buffer | null
  readonly headers: Record<string, string>
}

/** What is not given is not on the wire: no attributes, no `ce_` header. */
function published(message: Partial<ProbeMessage>): Published {
  const { attributes = {}, headers = {}, key, body } = message
  const { datacontenttype, partitionkey, ...context } = attributes
  const version = Object.keys(context).length > 0 ? { specversion: '1.0' } : {}
  const written = Object.entries({ ...version, ...context }).map(([name, value]) => [attributePrefix + name, value])
  return {
    key: key ?? partitionkey ?? null,
    value: 'body' in message && body === undefined ? null : Buffer.from(body ?? []),
    headers: Object.fromEntries([
      ...Object.entries(headers),
      ...written,
      ...(datacontenttype === undefined ? [] : [['content-type', datacontenttype]]),
    ]) as Record<string, string>,
  }
}
