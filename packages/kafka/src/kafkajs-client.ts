import { MessagingError, type DriverContext } from '@waybill/core/driver'
import { Kafka, logLevel, type ISocketFactory, type SASLOptions } from 'kafkajs'
import type {
  GroupConsumer,
  GroupConsumerHandlers,
  GroupConsumerOptions,
  GroupMember,
  KafkaAdmin,
  KafkaClient,
  KafkaProducer,
  PartitionReader,
  PartitionReaderOptions,
  RecordHandlers,
} from './kafka-client.ts'
import type { KafkaSettings } from './kafka-options.ts'
import { KafkajsAdmin } from './kafkajs-admin.ts'
import { openGroupConsumer, openPartitionReader, type ConsumerSite, type KafkaSockets } from './kafkajs-consumer.ts'
import { KafkajsProducer } from './kafkajs-producer.ts'
import { KafkajsPulse, patienceMs } from './kafkajs-pulse.ts'
import { stopIdleChecks } from './kafkajs-request-queue.ts'
import { Sockets } from './kafkajs-sockets.ts'

export interface KafkajsClientOptions {
  readonly settings: KafkaSettings
  readonly context: DriverContext
  /** The cluster is out of reach. May be called several times. */
  readonly onLost: (error: unknown) => void
}

/** All of kafkajs that the adapter uses. What it makes fails at once when the epoch is over. */
export class KafkajsClient implements KafkaClient {
  readonly admin: KafkaAdmin
  readonly #options: KafkajsClientOptions
  readonly #sockets = new Set<Sockets>()
  readonly #producers = new Set<KafkaProducer>()
  readonly #consumers = new Map<GroupConsumer, string>()
  readonly #site: ConsumerSite
  readonly #pulse: KafkajsPulse
  #reason: Error | undefined

  constructor(options: KafkajsClientOptions) {
    const { settings, context, onLost } = options
    const { clock } = context
    this.#options = options
    stopIdleChecks()
    this.#site = { newKafka: () => this.#newKafka(), clock }
    const kafka = this.#newKafka(patienceMs(settings))
    this.#pulse = new KafkajsPulse({ ...kafka, clock, intervalMs: settings.heartbeatMs / 2, onLost })
    this.admin = new KafkajsAdmin({ ...this.#site, patienceMs: settings.requestTimeoutMs })
  }

  /** Resolves when the cluster has answered. From then on it is asked again and again. */
  start(): Promise<void> {
    return this.#pulse.start()
  }

  /** Nothing in it tries again by itself, beyond asking each broker it was told of. */
  #newKafka(requestTimeoutMs = this.#options.settings.requestTimeoutMs): KafkaSockets {
    const { settings, context, onLost } = this.#options
    const { brokers, clientId = `waybill-${context.instance}`, connectTimeoutMs } = settings
    const sasl = saslOf(settings)
    const sockets = new Sockets({ settings, onBroken: onLost, onEnded: () => this.#pulse.check() })
    this.#sockets.add(sockets)
    if (this.#reason !== undefined) sockets.destroy(this.#reason)
    const kafka = new Kafka({
      brokers: [...brokers],
      clientId: `${clientId}-${context.role}`,
      logLevel: logLevel.NOTHING,
      connectionTimeout: Math.min(connectTimeoutMs, requestTimeoutMs),
      authenticationTimeout: connectTimeoutMs,
      requestTimeout: requestTimeoutMs,
      enforceRequestTimeout: true,
      retry: { retries: brokers.length - 1, initialRetryTime: 10, maxRetryTime: 10 },
      socketFactory: sockets.open as unknown as ISocketFactory,
      ...(sasl === undefined ? {} : { sasl }),
    })
    const destroy = (): void => {
      this.#sockets.delete(sockets)
      sockets.destroy(closed)
    }
    return { kafka, destroy }
  }

  async openProducer(): Promise<KafkaProducer> {
    const producer = await KafkajsProducer.open(this.#newKafka(), this.#options.settings.requestTimeoutMs)
    if (this.#reason === undefined) this.#producers.add(producer)
    else await producer.close()
    return {
      send: (topic, records) => producer.send(topic, records),
      close: async () => {
        this.#producers.delete(producer)
        await producer.close()
      },
    }
  }

  async openGroupConsumer(options: GroupConsumerOptions, handlers: GroupConsumerHandlers): Promise<GroupConsumer> {
    const consumer = await openGroupConsumer(this.#site, options, handlers)
    this.#consumers.set(consumer, options.group)
    return {
      get memberId() {
        return consumer.memberId
      },
      commit: (offsets) => consumer.commit(offsets),
      close: async () => {
        await consumer.close()
        this.#consumers.delete(consumer)
      },
    }
  }

  members(): readonly GroupMember[] {
    return Array.from(this.#consumers, ([{ memberId }, group]) => ({ group, memberId })).filter(
      ({ memberId }) => memberId !== '',
    )
  }

  openPartitionReader(options: PartitionReaderOptions, handlers: RecordHandlers): Promise<PartitionReader> {
    return openPartitionReader(this.#site, options, handlers)
  }

  destroy(): void {
    this.#reason ??= closed
    this.#pulse.stop()
    for (const sockets of this.#sockets) sockets.destroy(this.#reason)
    for (const producer of this.#producers) void producer.close()
  }
}

const closed = new MessagingError('unavailable', 'the connection is over', { system: 'kafka' })

function saslOf({ sasl, username, password }: KafkaSettings): SASLOptions | undefined {
  if (sasl === undefined) return undefined
  return { mechanism: sasl, username, password } as SASLOptions
}
