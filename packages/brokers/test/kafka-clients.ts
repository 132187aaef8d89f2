import { type Admin, Kafka, type KafkaConfig, logLevel, type SASLOptions } from 'kafkajs'
import { within } from '../src/index.ts'

/** A client that tries once and says nothing. */
export function clientOf(url: string, options: Partial<KafkaConfig> = {}): Kafka {
  return new Kafka({
    brokers: [new URL(url).host],
    logLevel: logLevel.NOTHING,
    connectionTimeout: 3_000,
    retry: { retries: 0 },
    ...options,
  })
}

export function credentials(mechanism: string, username: string, password: string): SASLOptions {
  return { mechanism, username, password } as SASLOptions
}

export async function asAdmin<T>(kafka: Kafka, use: (admin: Admin) => Promise<T>): Promise<T> {
  const admin = kafka.admin()
  try {
    await within('connecting', 10_000, admin.connect())
    return await use(admin)
  } finally {
    await admin.disconnect()
  }
}

let names = 0

/** Makes a topic of one partition. */
export async function newTopic(kafka: Kafka): Promise<string> {
  const topic = `topic-${names++}`
  await asAdmin(kafka, (admin) => admin.createTopics({ topics: [{ topic, numPartitions: 1 }], waitForLeaders: true }))
  return topic
}

export async function send(kafka: Kafka, topic: string, values: readonly string[]): Promise<void> {
  const producer = kafka.producer()
  try {
    await within('connecting', 10_000, producer.connect())
    const messages = values.map((value) => ({ key: 'k', value }))
    await within('sending', 10_000, producer.send({ topic, acks: -1, messages }))
  } finally {
    await producer.disconnect()
  }
}

/** What a topic of one partition holds now, from its beginning. */
export async function stored(kafka: Kafka, topic: string): Promise<string[]> {
  const [end] = await asAdmin(kafka, (admin) => admin.fetchTopicOffsets(topic))
  const last = Number(end?.high) - 1
  const consumer = kafka.consumer({ groupId: `reader-${names++}`, maxWaitTimeInMs: 100, retry: { retries: 5 } })
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: true })
  const found: string[] = []
  const complete = new Promise<void>((resolve, reject) => {
    consumer.on('consumer.crash', ({ payload }) => payload.restart || reject(payload.error))
    const eachMessage = async ({ message }: { message: { offset: string; value: Buffer | null } }): Promise<void> => {
      found.push(String(message.value))
      if (Number(message.offset) >= last) resolve()
    }
    consumer.run({ eachMessage }).catch(reject)
  })
  await within('reading', 15_000, complete).finally(() => consumer.disconnect())
  return found
}
