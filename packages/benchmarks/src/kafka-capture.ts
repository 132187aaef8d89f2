import { startKafkaProxy } from '@waybill/brokers'
import type { Contestant } from './contestant.ts'
import type { KafkaCourse } from './kafka-course.ts'
import { firstRecord, KafkaFrames, type SentProduce } from './kafka-frames.ts'
import { RawKafkajs } from './raw-kafkajs.ts'
import { group, WaybillKafka } from './waybill-kafka.ts'

export interface KafkaCapture {
  readonly course: KafkaCourse
  /** Bytes of one record beside its body. */
  readonly envelopeBytes: number
}

/**
 * Learns from a proxy what Waybill writes, and proves that the baseline writes the same.
 *
 * @throws when one byte differs: then no figure would mean anything.
 */
export async function captureKafka(url: string, channelName: string, prefetch: number): Promise<KafkaCapture> {
  const body = Buffer.alloc(100, 'x')
  const ours = await produced(url, new WaybillKafka(channelName), (proxied) => ({ url: proxied, prefetch }), body)
  const { topic, timeoutMs } = ours
  const course: KafkaCourse = {
    url,
    broker: new URL(url).host,
    topic,
    group: `${topic}..${group}`,
    prefetch,
    timeoutMs,
    ...firstRecord(ours.records),
  }
  const theirs = await produced(url, new RawKafkajs(), (proxied) => at(course, proxied), body)
  assertSame(ours, theirs)
  return { course, envelopeBytes: ours.records.length - body.length }
}

function at(course: KafkaCourse, url: string): KafkaCourse {
  return { ...course, url, broker: new URL(url).host }
}

/** The request in which a contestant sends one message. */
async function produced<C extends Partial<KafkaCourse>>(
  url: string,
  contestant: Contestant<any>,
  courseAt: (proxied: string) => C,
  body: Buffer,
): Promise<SentProduce> {
  const connections = new Map<number, KafkaFrames>()
  const proxy = await startKafkaProxy(url, {
    onData({ connection, direction, bytes }) {
      if (direction !== 'toServer') return
      const found = connections.get(connection) ?? new KafkaFrames()
      connections.set(connection, found)
      found.add(bytes)
    },
  })
  try {
    await contestant.open(courseAt(proxy.url(url)))
    const send = await contestant.publisher(body)
    await new Promise<void>((resolve, reject) => send(resolve, reject))
    await contestant.close()
  } finally {
    await proxy.close()
  }
  const sent = [...connections.values()].flatMap((each) => each.produced)
  const [first] = sent
  if (first === undefined || sent.length > 1) throw new Error(`the proxy saw ${sent.length} produce requests, not one`)
  return first
}

/** Ids and times differ from message to message, so the baseline repeats those that were captured. */
function assertSame(ours: SentProduce, theirs: SentProduce): void {
  for (const name of Object.keys(ours) as (keyof SentProduce)[]) {
    const [one, other] = [shown(ours[name]), shown(theirs[name])]
    if (one === other) continue
    throw new Error(
      `the baseline does not send the bytes that Waybill sends; "${name}" differs:\n  Waybill:  ${one}\n  baseline: ${other}`,
    )
  }
}

function shown(value: unknown): string {
  return Buffer.isBuffer(value) ? value.toString('latin1').replace(/[^\x20-\x7e]/g, escaped) : String(value)
}

function escaped(letter: string): string {
  return `\\x${letter.charCodeAt(0).toString(16).padStart(2, '0')}`
}
