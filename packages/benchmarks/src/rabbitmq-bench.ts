import { randomBytes } from 'node:crypto'
import { type Comparison, compare } from './comparison.ts'
import { type ComparisonOptions, largeBytes } from './comparison-options.ts'
import type { Told } from './comparison-report.ts'
import { PeerAmqpConnectionManager } from './peer-amqp-connection-manager.ts'
import { PeerNestjsRabbitmq } from './peer-nestjs-rabbitmq.ts'
import { PeerRabbitmqClient } from './peer-rabbitmq-client.ts'
import { PeerRascal } from './peer-rascal.ts'
import { Progress } from './progress.ts'
import { RabbitmqAdmin } from './rabbitmq-admin.ts'
import { captureRabbitmq, type RabbitmqCapture } from './rabbitmq-capture.ts'
import { RawAmqplib } from './raw-amqplib.ts'
import { WaybillRabbitmq } from './waybill-rabbitmq.ts'

const window = 256
const prefetch = 256

/** Few enough that a lap is many times as long: most of a lap would otherwise be its first burst. */
function prefetchFor(payload: number): number {
  return payload > largeBytes ? 32 : prefetch
}

/** Runs the whole comparison on one RabbitMQ. */
export async function benchRabbitmq(
  url: string,
  options: ComparisonOptions,
): Promise<{ result: Comparison; told: Told }> {
  const progress = new Progress()
  const channelName = `bench-${randomBytes(4).toString('hex')}`
  progress.say('comparing what Waybill and the baseline write, byte by byte')
  const capture = await captureRabbitmq(url, channelName, prefetch)
  const { course } = capture
  const admin = await RabbitmqAdmin.open(url)
  // The two messages that were compared.
  await admin.purge(course.queue)
  const field = {
    course,
    track: { clear: () => admin.purge(course.queue) },
    window,
    prefetchFor,
    filler: new RawAmqplib('filler'),
    baseline: new RawAmqplib(),
    waybill: new WaybillRabbitmq(channelName),
    control: new RawAmqplib('amqplib, by hand, again'),
    peers: [new PeerRabbitmqClient(), new PeerAmqpConnectionManager(), new PeerRascal(), new PeerNestjsRabbitmq()],
  }
  try {
    const result = await compare(field, options, progress)
    return { result, told: told(capture, admin.version) }
  } finally {
    await admin.remove([...capture.queues, course.queue], capture.exchanges)
    await admin.close()
  }
}

function told({ publishBytes, acksMultiple }: RabbitmqCapture, version: string): Told {
  const acks = acksMultiple ? 'several deliveries at a time' : 'each delivery by itself'
  return {
    broker: 'RabbitMQ',
    version,
    titles: { publish: 'Publish with confirm', consume: 'Consume and acknowledge' },
    conditions: [
      `one quorum queue, persistent messages; ${window} sends unconfirmed, prefetch ${prefetch} (${prefetchFor(65_536)} above 16 KiB), ` +
        'one process, one after the other',
      `the baseline writes the bytes that Waybill writes (${publishBytes} of method, properties and headers ` +
        'per message), compared through a proxy at the start; it repeats one id and one time. ' +
        `Waybill acknowledges ${acks}, the baseline each by itself; amqplib with its own socket options`,
      'Waybill and the baseline each have one connection to send and one to receive',
    ],
  }
}
