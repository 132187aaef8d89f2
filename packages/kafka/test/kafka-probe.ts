import type { GroupAddress, Probe, ProbeMessage } from '@waybill/conformance'
import type { Address } from '@waybill/core/driver'
import type { Admin, Kafka, Producer } from 'kafkajs'
import { endsOf, kafkaAt, RawLog, type RawPosition, type RawRecord } from './kafka-cluster.ts'

/** Topics by the names that the adapter's README documents. */
export const topicOf = ({ channel, group, lane = 'main' }: Address): string => {
  const ofChannel = channel.replaceAll('_', '..-')
  if (group === undefined) return ofChannel
  const ofGroup = `${ofChannel}..${group.replaceAll('_', '..-')}`
  return lane === 'main' ? ofGroup : `${ofGroup}..${lane}`
}

/** What a group's main lane reads: the channel's topic, and the group's own. */
export const topicsOf = (at: GroupAddress): readonly string[] =>
  (at.lane ?? 'main') === 'main' ? [topicOf({ channel: at.channel }), topicOf(at)] : [topicOf(at)]

/** What one look at the broker needs. */
interface Session {
  readonly admin: Admin
  readonly log: RawLog
  readonly producer: Producer
  /** What of a dead lane is known to hold nothing any more, up to these offsets: a poll must not read all of it again. */
  readonly buried: Map<string, bigint>
}

export interface KafkaProbe extends Probe {
  /** Connections for one piece of work: kafkajs fails in all it does once a topic that it has seen is deleted. */
  use<T>(work: (session: Session) => Promise<T>): Promise<T>
}

/** Kafka through kafkajs alone. */
export function kafkaProbe(url: string): KafkaProbe {
  const kafka: Kafka = kafkaAt(url)
  const buried = new Map<string, bigint>()
  let names = 0

  const use: KafkaProbe['use'] = async (work) => {
    const admin = kafka.admin()
    const producer = kafka.producer({ allowAutoTopicCreation: false })
    const [log] = await Promise.all([RawLog.open(kafka), admin.connect(), producer.connect()])
    try {
      return await work({ admin, log, producer, buried })
    } finally {
      await Promise.all([log.close(), producer.disconnect(), admin.disconnect()])
    }
  }
  return {
    use,
    inject: (to, message) =>
      use(async (session) => {
        const record = published(message)
        const isLetter = to.group !== undefined && to.lane === 'dead'
        // A compacted topic takes no record without a key.
        const key = isLetter ? `theirs-${process.pid}-${++names}` : record.key
        const keyed = isLetter && record.key !== null ? { [keyHeader]: `=${record.key}` } : {}
        const messages = [{ ...record, key, headers: { ...record.headers, ...keyed } }]
        const isMain = to.group === undefined || (to.lane ?? 'main') === 'main'
        // A group of somebody else's topic has none of its own.
        const [topic = ''] = await existing(
          session,
          isMain ? [topicOf(to), topicOf({ channel: to.channel })] : [topicOf(to)],
        )
        await session.producer.send({ topic, messages })
      }),
    extract: (from, limit = Number.POSITIVE_INFINITY) =>
      use((session) => (isDead(from) ? bury(session, from, limit) : take(session, from, limit))),
    readDeadLetters: (channel, group) =>
      use(async (session) => (await letters(session, { channel, group, lane: 'dead' })).live.map(asRead)),
    depth: (at) =>
      use(async (session) => {
        if (isDead(at)) return (await letters(session, at)).live.length
        return (await hasMembers(session, at)) ? 0 : lag(session, at)
      }),
    unsettled: (at) => use(async (session) => (!isDead(at) && (await hasMembers(session, at)) ? lag(session, at) : 0)),
    entities: (fragment) =>
      use(async ({ admin }) => {
        const { groups } = await admin.listGroups()
        const found = [...(await admin.listTopics()), ...groups.map(({ groupId }) => `group ${groupId}`)]
        return found.filter((name) => name.includes(fragment)).sort()
      }),
    connections: async () => undefined,
  }
}

const isDead = ({ lane }: GroupAddress): boolean => lane === 'dead'

async function existing({ admin }: Session, topics: readonly string[]): Promise<readonly string[]> {
  const all = new Set(await admin.listTopics())
  const found = topics.filter((topic) => all.has(topic))
  if (found.length === 0) throw new Error(`no topic ${topics.join(' or ')}`)
  return found
}

interface Span {
  readonly from: RawPosition
  readonly end: bigint
}

/** Of each partition, where the group is and where the log ends. */
async function spans(session: Session, at: GroupAddress): Promise<readonly Span[]> {
  const { admin } = session
  const topics = await existing(session, topicsOf(at))
  const committed = await admin.fetchOffsets({ groupId: topicOf(at), topics: [...topics] })
  const found = await Promise.all(topics.map(async (topic) => ({ topic, offsets: await endsOf(admin, topic) })))
  return found.flatMap(({ topic, offsets }) =>
    offsets.map(({ partition, low, high }) => {
      const own = committed
        .find((each) => each.topic === topic)
        ?.partitions.find((each) => each.partition === partition)
      const offset = BigInt(own?.offset ?? -1)
      return { from: { topic, partition, offset: offset < BigInt(low) ? BigInt(low) : offset }, end: BigInt(high) }
    }),
  )
}

async function lag(session: Session, at: GroupAddress): Promise<number> {
  return (await spans(session, at)).reduce((sum, { from, end }) => sum + Number(end - from.offset), 0)
}

/** What a group with members has not committed is with them, as far as anybody can tell. */
async function hasMembers({ admin }: Session, at: GroupAddress): Promise<boolean> {
  const { groups } = await admin.describeGroups([topicOf(at)])
  return groups.some(({ members }) => members.length > 0)
}

/** Takes what waits for a group: the group is behind it then. */
async function take(session: Session, from: GroupAddress, limit: number): Promise<readonly ProbeMessage[]> {
  const found: RawRecord[] = []
  const positions: RawPosition[] = []
  for (const span of await spans(session, from)) {
    const records = (await session.log.read(span.from, span.end)).slice(0, limit - found.length)
    found.push(...records)
    const isAll = found.length < limit
    const last = records.at(-1)
    const behindLast = last === undefined ? span.from.offset : BigInt(last.offset) + 1n
    positions.push({ ...span.from, offset: isAll ? span.end : behindLast })
  }
  await session.log.commit(topicOf(from), positions)
  return found.map(asRead)
}

interface Letters {
  readonly live: readonly RawRecord[]
  /** How far each partition was read. */
  readonly ends: ReadonlyMap<string, bigint>
}

/** The letters in a topic that no later tombstone removes, by its key or by the place that its key names. */
async function letters(session: Session, at: GroupAddress): Promise<Letters> {
  const [topic = ''] = await existing(session, [topicOf(at)])
  const live = new Map<string, RawRecord>()
  const placesOf = new Map<string, string[]>()
  const ends = new Map<string, bigint>()
  for (const { partition, low, high } of await endsOf(session.admin, topic)) {
    const [name, begin, end] = [`${topic}/${partition}`, BigInt(low), BigInt(high)]
    const behind = session.buried.get(name) ?? begin
    const offset = behind < begin || behind > end ? begin : behind
    ends.set(name, end)
    for (const record of await session.log.read({ topic, partition, offset }, end)) {
      const place = `${partition}@${record.offset}`
      const names = [`${partition}/${record.key?.toString('latin1')}`, `${partition}/waybill-at:${place}`]
      if (record.value === null) for (const buried of placesOf.get(names[0] as string) ?? []) live.delete(buried)
      else {
        live.set(place, record)
        for (const name of names) placesOf.set(name, [...(placesOf.get(name) ?? []), place])
      }
    }
  }
  return { live: [...live.values()], ends }
}

async function bury(session: Session, from: GroupAddress, limit: number): Promise<readonly ProbeMessage[]> {
  const { live, ends } = await letters(session, from)
  const found = live.slice(0, limit)
  const tombstones = found.map(({ partition, key }) => ({ partition, key, value: null }))
  if (tombstones.length > 0) await session.producer.send({ topic: topicOf(from), messages: tombstones })
  if (found.length === live.length) for (const [partition, end] of ends) session.buried.set(partition, end)
  return found.map(asRead)
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
