import { MessagingError, type Address, type Outgoing, type SendDone } from '@waybill/core/driver'
import type { KafkaClient } from './kafka-client.ts'
import { deadLetterOf, recordOf } from './kafka-message-mapper.ts'
import { deadTopic, delayTopic } from './kafka-names.ts'
import type { Facts } from './kafka-provisioner.ts'
import { TopicSender, type SendBatch } from './kafka-topic-sender.ts'
import type { ChannelRoute } from './kafka-topology.ts'

export interface SenderOptions {
  readonly client: KafkaClient
}

interface Target {
  readonly topic: string
  readonly toRecord: SendBatch['toRecord']
}

/** Sends to a channel's topic, or to what is one group's alone. */
export class Sender {
  readonly #options: SenderOptions
  readonly #routes = new Map<string, ChannelRoute>()
  readonly #topics = new Map<string, TopicSender>()
  readonly #facts = new Map<string, Facts>()

  constructor(options: SenderOptions) {
    this.#options = options
  }

  /** Makes the channel of `route` known, and what its topics take. */
  learn(route: ChannelRoute, facts: Facts): void {
    const before = this.#routes.get(route.channel)
    const groups = new Map([...(before?.groups ?? []), ...route.groups])
    this.#routes.set(route.channel, { ...route, groups })
    this.#facts.set(route.channel, new Map([...(this.#facts.get(route.channel) ?? []), ...facts]))
    for (const [topic, sender] of this.#topics) if (facts.has(topic)) sender.learn(facts.get(topic))
  }

  /** As `DriverConnection.send`. */
  send(to: Address, entries: readonly Outgoing[], done: SendDone): void {
    const route = this.#routes.get(to.channel)
    if (route === undefined) return failAll(entries, done, notProvisioned(to.channel))
    if (entries.some(({ delayMs = 0 }) => delayMs > 0)) return failAll(entries, done, cannotDelay(to.channel))
    const { topic, toRecord } = targetOf(route, to)
    this.#topicOf(route, topic).send({ entries, done, toRecord })
  }

  async flush(): Promise<void> {
    await Promise.all([...this.#topics.values()].map((topic) => topic.flush()))
  }

  #topicOf({ channel }: ChannelRoute, topic: string): TopicSender {
    const known = this.#topics.get(topic)
    if (known !== undefined) return known
    const sender = new TopicSender({ ...this.#options, topic })
    sender.learn(this.#facts.get(channel)?.get(topic))
    this.#topics.set(topic, sender)
    return sender
  }
}

function targetOf(route: ChannelRoute, to: Address): Target {
  const { channel, topic } = route
  if (to.group === undefined) return { topic, toRecord: ({ message }) => recordOf(message) }
  const { group, lane = 'main' } = to
  const known = route.groups.get(group)
  if (lane === 'dead') {
    return { topic: known?.deadTopic ?? deadTopic(channel, group), toRecord: ({ message }) => deadLetterOf(message) }
  }
  if (lane !== 'main') {
    const delayMs = Number(lane.slice('delay.'.length))
    return { topic: delayTopic(channel, group, delayMs), toRecord: ({ message }) => recordOf(message) }
  }
  if (known?.ownTopic === undefined) return { topic, toRecord: ({ message }) => recordOf(message, group) }
  return { topic: known.ownTopic, toRecord: ({ message }) => recordOf(message) }
}

function failAll(entries: readonly Outgoing[], done: SendDone, error: MessagingError): void {
  for (let index = 0; index < entries.length; index++) done(index, { error, outcome: 'notSent' })
}

function notProvisioned(channel: string): MessagingError {
  return new MessagingError('failedPrecondition', `channel "${channel}" was not provisioned on this connection`, {
    channel,
    system: 'kafka',
  })
}

function cannotDelay(channel: string): MessagingError {
  return new MessagingError('unsupported', `cannot delay a message to "${channel}": Kafka delays none by itself`, {
    channel,
    system: 'kafka',
  })
}
