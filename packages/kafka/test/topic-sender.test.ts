import { MessagingError, type WireMessage } from '@waybill/core/driver'
import kafkajs from 'kafkajs'
import { describe, expect, it } from 'vitest'
import type { KafkaClient, KafkaProducer, NewRecord } from '../src/kafka-client.ts'
import { classify } from '../src/kafka-errors.ts'
import { recordOf } from '../src/kafka-message-mapper.ts'
import { recordBytes } from '../src/kafka-record.ts'
import type { TopicFacts } from '../src/kafka-provisioner.ts'
import { TopicSender } from '../src/kafka-topic-sender.ts'

const none = Object.freeze(Object.create(null)) as { [name: string]: string }
const protocolError = (type: string) =>
  new kafkajs.KafkaJSProtocolError(Object.assign(new Error(type), { type, code: 1 }))

function message(body: string, key?: string): WireMessage {
  const nothing = { id: undefined, source: undefined, type: undefined, time: undefined, contentType: undefined }
  return { ...nothing, extensions: none, headers: none, key, body: Buffer.from(body) }
}

interface Request {
  readonly producer: number
  readonly records: readonly NewRecord[]
  readonly bodies: string[]
  answer(error?: unknown): void
}

/** A client whose requests are answered by hand. */
class Desk {
  readonly requests: Request[] = []
  readonly closed: number[] = []
  maxMessageBytes = '1000000'
  openFails: unknown
  #producers = 0

  readonly client = {
    openProducer: async (): Promise<KafkaProducer> => {
      if (this.openFails !== undefined) throw this.openFails
      const producer = ++this.#producers
      return {
        send: (_, records) =>
          new Promise((resolve, reject) => {
            const bodies = records.map(({ value }) => value!.toString())
            const answer = (error?: unknown) => (error === undefined ? resolve() : reject(error))
            this.requests.push({ producer, records, bodies, answer })
          }),
        close: async () => void this.closed.push(producer),
      }
    },
    admin: {
      topicSettings: async ([topic = '']) => new Map([[topic, { 'max.message.bytes': this.maxMessageBytes }]]),
    },
  } as unknown as KafkaClient
}

function open(change: Partial<TopicFacts> = {}) {
  const desk = new Desk()
  desk.maxMessageBytes = String(change.maxMessageBytes ?? 1_000_000)
  const sender = new TopicSender({ client: desk.client, topic: 't' })
  sender.learn({ partitions: 4, maxMessageBytes: 1_000_000, isCompacted: false, ...change })
  const outcomes: string[] = []
  const send = (messages: readonly WireMessage[]): void => {
    const done = (index: number, failure?: { error: unknown; outcome: string }): void => {
      const { value } = recordOf(messages[index]!)
      outcomes.push(`${value}: ${failure === undefined ? 'ok' : `${classify(failure.error)} ${failure.outcome}`}`)
    }
    sender.send({
      entries: messages.map((each) => ({ message: each })),
      done,
      toRecord: (entry) => recordOf(entry.message),
    })
  }
  return { desk, sender, outcomes, send }
}

const turn = () => new Promise((resolve) => setTimeout(resolve, 0))

describe('a topic', () => {
  it('has one request under way at a time, in the order of the sends', async () => {
    const { desk, outcomes, send } = open()
    send([message('a'), message('b')])
    send([message('c')])
    await turn()
    expect(desk.requests.map(({ bodies }) => bodies)).toEqual([['a', 'b']])
    expect(outcomes).toEqual([])
    desk.requests[0]!.answer()
    await turn()
    expect(outcomes).toEqual(['a: ok', 'b: ok'])
    expect(desk.requests.map(({ bodies }) => bodies)).toEqual([['a', 'b'], ['c']])
    expect(desk.requests[1]!.producer).toBe(1)
  })

  it('has each key in one partition, and messages without one in all', async () => {
    const { desk, send } = open()
    send(Array.from({ length: 8 }, (_, index) => message(`${index}`, index % 2 ? 'k' : undefined)))
    await turn()
    const partitionsOf = (isKeyed: boolean) =>
      desk.requests[0]!.records.filter(({ key }) => (key !== null) === isKeyed).map(({ partition }) => partition)
    expect(new Set(partitionsOf(true)).size).toBe(1)
    expect(partitionsOf(false).sort()).toEqual([0, 1, 2, 3])
  })

  it('gives no partition more in one request than fits a batch of Kafka, and keeps the order', async () => {
    const size = recordOf(message('x'.repeat(100), 'k')).mostBytes
    const { desk, outcomes, send, sender } = open({ maxMessageBytes: 61 + 2 * size })
    send([1, 2, 3, 4, 5].map((n) => message(`${n}`.repeat(100), 'k')))
    for (let n = 0; n < 3; n++) {
      await turn()
      desk.requests[n]!.answer()
    }
    await sender.flush()
    expect(desk.requests.map(({ bodies }) => bodies.map((body) => body[0]))).toEqual([['1', '2'], ['3', '4'], ['5']])
    expect(outcomes.length).toBe(5)
  })

  it('fails alone what is too large or has no key where one is needed', async () => {
    const { desk, outcomes, send } = open({ maxMessageBytes: 500, isCompacted: true })
    send([message('a', 'k'), message('b'), message('c'.repeat(500), 'k'), message('d', 'k')])
    await turn()
    desk.requests[0]!.answer()
    await turn()
    expect(outcomes).toEqual(['b: invalidArgument notSent', `${'c'.repeat(500)}: tooLarge notSent`, 'a: ok', 'd: ok'])
  })

  it('answers when nothing is left to send', async () => {
    const { desk, outcomes, send, sender } = open({ isCompacted: true })
    send([message('a')])
    await sender.flush()
    expect(outcomes).toEqual(['a: invalidArgument notSent'])
    expect(desk.requests).toEqual([])
  })
})

describe('a failure', () => {
  it('ends the producer: another takes what comes next', async () => {
    const { desk, outcomes, send } = open()
    send([message('a')])
    send([message('b')])
    await turn()
    desk.requests[0]!.answer(new Error('reset'))
    await turn()
    expect(desk.closed).toEqual([1])
    expect(desk.requests[1]).toMatchObject({ producer: 2, bodies: ['b'] })
    expect(outcomes).toEqual(['a: internal unknown'])
  })

  it('leaves what was to follow in the same batch unsent', async () => {
    const size = recordBytes(recordOf(message('x', 'k')))
    const { desk, outcomes, send, sender } = open({ maxMessageBytes: 61 + size })
    send([message('a', 'k'), message('b', 'k'), message('c', 'k')])
    await turn()
    desk.requests[0]!.answer()
    await turn()
    desk.requests[1]!.answer(protocolError('NOT_ENOUGH_REPLICAS'))
    await sender.flush()
    expect(desk.requests.length).toBe(2)
    expect(outcomes).toEqual(['a: ok', 'b: unavailable unknown', 'c: unavailable notSent'])
  })

  it('for size is not that of what was to follow', async () => {
    const size = recordBytes(recordOf(message('x', 'k')))
    const { desk, outcomes, send, sender } = open({ maxMessageBytes: 61 + size })
    send([message('a', 'k'), message('b', 'k')])
    await turn()
    desk.requests[0]!.answer(protocolError('MESSAGE_TOO_LARGE'))
    await sender.flush()
    expect(outcomes).toEqual(['a: tooLarge unknown', 'b: unavailable notSent'])
  })

  it.each<[string, string]>([
    ['UNKNOWN_TOPIC_OR_PARTITION', 'notFound notSent'],
    ['TOPIC_AUTHORIZATION_FAILED', 'permissionDenied notSent'],
    ['NOT_LEADER_FOR_PARTITION', 'unavailable unknown'],
    ['REQUEST_TIMED_OUT', 'timeout unknown'],
  ])('of %s is told as %s', async (type, expected) => {
    const { desk, outcomes, send, sender } = open()
    send([message('a')])
    await turn()
    desk.requests[0]!.answer(protocolError(type))
    await sender.flush()
    expect(outcomes).toEqual([`a: ${expected}`])
  })

  it('to open a producer leaves all unsent, and the next try opens one', async () => {
    const { desk, outcomes, send, sender } = open()
    desk.openFails = new MessagingError('unavailable', 'nobody there')
    send([message('a')])
    await sender.flush()
    desk.openFails = undefined
    send([message('b')])
    await turn()
    desk.requests[0]!.answer()
    await sender.flush()
    expect(outcomes).toEqual(['a: unavailable notSent', 'b: ok'])
  })

  it('for size, since the topic takes less than it did, tells the guilty from the innocent', async () => {
    const { desk, outcomes, send, sender } = open()
    send([message('a'), message('b'.repeat(300))])
    await turn()
    desk.maxMessageBytes = '300'
    desk.requests[0]!.answer(protocolError('MESSAGE_TOO_LARGE'))
    await sender.flush()
    expect(outcomes).toEqual(['a: unavailable unknown', `${'b'.repeat(300)}: tooLarge unknown`])
    send([message('c'.repeat(300))])
    await sender.flush()
    expect(outcomes[2]).toBe(`${'c'.repeat(300)}: tooLarge notSent`)
  })

  it('for size is over once the topic takes more', async () => {
    const { desk, outcomes, send, sender } = open({ maxMessageBytes: 300 })
    send([message('a'.repeat(300))])
    await sender.flush()
    desk.maxMessageBytes = '1000000'
    send([message('b'.repeat(300))])
    await turn()
    desk.requests[0]!.answer()
    await sender.flush()
    expect(outcomes.map((each) => each.replace(/^.*: /, ''))).toEqual(['tooLarge notSent', 'ok'])
  })

  it('for size, with the limit that was known, is nobody else’s fault', async () => {
    const { desk, outcomes, send, sender } = open()
    send([message('a')])
    await turn()
    desk.requests[0]!.answer(protocolError('MESSAGE_TOO_LARGE'))
    await sender.flush()
    expect(outcomes).toEqual(['a: tooLarge unknown'])
  })

  it('for want of the topic is over once it is there again', async () => {
    const { desk, outcomes, send, sender } = open()
    sender.learn(undefined)
    send([message('a')])
    await sender.flush()
    sender.learn({ partitions: 1, maxMessageBytes: 1_000_000, isCompacted: false })
    send([message('b')])
    await turn()
    desk.requests[0]!.answer()
    await sender.flush()
    expect(outcomes).toEqual(['a: notFound notSent', 'b: ok'])
  })
})
