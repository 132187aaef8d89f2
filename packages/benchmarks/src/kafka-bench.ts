import { randomBytes } from 'node:crypto'
import { type Comparison, compare } from './comparison.ts'
import type { ComparisonOptions } from './comparison-options.ts'
import type { Told } from './comparison-report.ts'
import { KafkaAdmin } from './kafka-admin.ts'
import { captureKafka, type KafkaCapture } from './kafka-capture.ts'
import { batchOf } from './kafka-course.ts'
import { PeerKafkajsSingle } from './peer-kafkajs-single.ts'
import { PeerNestjsKafka } from './peer-nestjs-kafka.ts'
import { PeerPlatformatic } from './peer-platformatic.ts'
import { Progress } from './progress.ts'
import { RawKafkajs } from './raw-kafkajs.ts'
import { WaybillKafka } from './waybill-kafka.ts'

const window = 1_000
const concurrency = 100

/** Runs the whole comparison on one Kafka. */
export async function benchKafka(
  { url, version }: { readonly url: string; readonly version: string },
  options: ComparisonOptions,
): Promise<{ result: Comparison; told: Told }> {
  const progress = new Progress()
  const channelName = `bench-${randomBytes(4).toString('hex')}`
  const admin = new KafkaAdmin(new URL(url).host)
  try {
    progress.say('comparing what Waybill and the baseline write, byte by byte')
    const capture = await captureKafka(url, channelName, concurrency)
    const { course } = capture
    // The two messages that were compared.
    await admin.clear(course)
    const field = {
      course,
      track: { clear: () => admin.clear(course) },
      window,
      prefetchFor: () => concurrency,
      filler: new RawKafkajs('filler'),
      baseline: new RawKafkajs(),
      waybill: new WaybillKafka(channelName),
      control: new RawKafkajs('kafkajs, batches by hand, again'),
      peers: [
        new WaybillKafka(channelName, 10),
        new WaybillKafka(channelName, 1),
        new PeerKafkajsSingle(),
        new PeerPlatformatic(),
        new PeerNestjsKafka(),
      ],
    }
    const result = await compare(field, options, progress)
    return { result, told: told(capture, version) }
  } finally {
    await admin.remove(channelName)
    await admin.close()
  }
}

function told({ envelopeBytes }: KafkaCapture, version: string): Told {
  return {
    broker: 'Kafka',
    version,
    titles: { publish: 'Produce, confirmed by all in-sync replicas', consume: 'Consume and commit' },
    conditions: [
      `one topic of one partition on one broker; idempotent producers, acks from all; ${window} sends unconfirmed ` +
        '(NestJS and kafkajs with a call each too), one process, one after the other',
      'the baseline collects what is sent while a request is under way and sends it as one batch, of at most ' +
        `${batchOf(Buffer.alloc(65_536))} records at 64 KiB, and consumes with \`eachBatch\`; ` +
        'Waybill is called once for each message',
      `the baseline writes the bytes that Waybill writes (${envelopeBytes} of key, headers and lengths per record), ` +
        'compared through a proxy at the start; it repeats one id and one time',
      `Waybill consumes with concurrency ${concurrency} unless told otherwise`,
    ],
  }
}
