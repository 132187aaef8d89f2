import { startFaultProxy } from '@waybill/brokers'
import { connect as connectAmqp } from 'amqplib'
import { AmqpFrames, type SentPublish } from './amqp-frames.ts'
import { RabbitmqAdmin } from './rabbitmq-admin.ts'
import type { RabbitmqCourse } from './rabbitmq-course.ts'
import { RawAmqplib } from './raw-amqplib.ts'
import { WaybillRabbitmq } from './waybill-rabbitmq.ts'

export interface RabbitmqCapture {
  readonly course: RabbitmqCourse
  /** What the run made on the broker and takes away again. */
  readonly exchanges: readonly string[]
  readonly queues: readonly string[]
  /** Bytes of one publish on the wire, framing aside. */
  readonly publishBytes: number
  /** Whether Waybill acknowledges several deliveries with one frame. */
  readonly acksMultiple: boolean
}

/**
 * Learns from a proxy what Waybill writes, and proves that the baseline writes the same.
 *
 * @throws when one byte differs: then no figure would mean anything.
 */
export async function captureRabbitmq(url: string, channelName: string, prefetch: number): Promise<RabbitmqCapture> {
  const body = Buffer.alloc(100, 'x')
  const ours = await record(url, (proxied) =>
    useOnce(new WaybillRabbitmq(channelName), { url: proxied, prefetch }, body),
  )
  const exchanges = ours.flatMap((connection) => connection.exchanges)
  const queues = ours.flatMap((connection) => connection.queues)
  try {
    const publish = last(
      ours.flatMap(({ publishes }) => publishes),
      'a publish',
    )
    const { queue } = last(
      ours.flatMap(({ consumes }) => consumes),
      'a consumer',
    )
    const { exchange, routingKey, mandatory } = publish
    const properties = await propertiesIn(url, queue, publish)
    const course: RabbitmqCourse = { url, exchange, routingKey, mandatory, queue, properties, prefetch }
    assertSame(publish, await baselinePublish(course, body))
    return {
      course,
      exchanges,
      queues,
      publishBytes: publish.payloads.reduce((sum, payload) => sum + payload.length, 0) - body.length,
      acksMultiple: ours.some(({ acks }) => acks.includes(true)),
    }
  } catch (error) {
    const admin = await RabbitmqAdmin.open(url)
    await admin.remove(queues, exchanges)
    await admin.close()
    throw error
  }
}

/** One message all the way, and one that stays in the queue. */
async function useOnce(
  waybill: WaybillRabbitmq,
  to: Pick<RabbitmqCourse, 'url' | 'prefetch'>,
  body: Buffer,
): Promise<void> {
  await waybill.open(to)
  let onReceived!: () => void
  const received = new Promise<void>((resolve) => {
    onReceived = resolve
  })
  const consumption = await waybill.consume(onReceived)
  const send = await waybill.publisher(body)
  await new Promise<void>((resolve, reject) => send(resolve, reject))
  await received
  await consumption.stop()
  await new Promise<void>((resolve, reject) => send(resolve, reject))
  await waybill.close()
}

async function baselinePublish(course: RabbitmqCourse, body: Buffer): Promise<SentPublish> {
  const theirs = await record(course.url, async (proxied) => {
    const raw = new RawAmqplib()
    await raw.open({ ...course, url: proxied })
    const send = await raw.publisher(body)
    await new Promise<void>((resolve, reject) => send(resolve, reject))
    await raw.close()
  })
  return last(
    theirs.flatMap(({ publishes }) => publishes),
    'a publish of the baseline',
  )
}

async function record(url: string, work: (proxied: string) => Promise<void>): Promise<readonly AmqpFrames[]> {
  const { hostname, port } = new URL(url)
  const connections = new Map<number, AmqpFrames>()
  const proxy = await startFaultProxy({
    target: { host: hostname, port: Number(port || 5672) },
    onData({ connection, direction, bytes }) {
      if (direction !== 'toServer') return
      const found = connections.get(connection) ?? new AmqpFrames()
      connections.set(connection, found)
      found.add(bytes)
    },
  })
  try {
    await work(proxy.url(url))
  } finally {
    await proxy.close()
  }
  return [...connections.values()]
}

/** Those of the message that Waybill left in the queue, as amqplib reads them, so that it can write them again. */
async function propertiesIn(url: string, queue: string, sent: SentPublish): Promise<RabbitmqCourse['properties']> {
  const connection = await connectAmqp(url)
  try {
    const channel = await connection.createChannel()
    const message = await channel.get(queue, { noAck: true })
    if (message === false) throw new Error('the message that Waybill sent is not in the queue of its group')
    const { headers = {}, ...properties } = message.properties
    const present = Object.entries(properties).filter(([, value]) => value !== undefined)
    // Written by the broker, not by the sender: https://www.rabbitmq.com/docs/quorum-queues#poison-message-handling
    const own = Object.entries(headers).filter(([name]) => name !== 'x-delivery-count')
    // The broker gives headers back sorted: put them in the order in which they were written.
    own.sort(([one], [other]) => placeOf(one, sent) - placeOf(other, sent))
    return { ...Object.fromEntries(present), headers: Object.fromEntries(own) }
  } finally {
    await connection.close()
  }
}

function placeOf(header: string, { payloads }: SentPublish): number {
  const name = Buffer.from(header)
  return Buffer.concat(payloads).indexOf(Buffer.concat([Buffer.of(name.length), name]))
}

/** Ids and times differ from message to message, so the baseline repeats those that were captured. */
function assertSame(ours: SentPublish, theirs: SentPublish): void {
  const names = ['method', 'properties', 'body']
  const length = Math.max(ours.payloads.length, theirs.payloads.length)
  for (let index = 0; index < length; index++) {
    const [one, other] = [ours.payloads[index], theirs.payloads[index]]
    if (one !== undefined && other !== undefined && one.equals(other)) continue
    const what = names[index] ?? 'rest of the body'
    throw new Error(
      `the baseline does not send the bytes that Waybill sends; the ${what} differs:\n` +
        `  Waybill:  ${shown(one)}\n  baseline: ${shown(other)}`,
    )
  }
}

function shown(payload: Buffer | undefined): string {
  return payload === undefined ? 'nothing' : payload.toString('latin1').replace(/[^\x20-\x7e]/g, '.')
}

function last<T>(all: readonly T[], what: string): T {
  const found = all.at(-1)
  if (found === undefined) throw new Error(`the proxy did not see ${what}`)
  return found
}
