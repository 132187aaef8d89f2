import 'reflect-metadata'
import { type INestMicroservice, Logger } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { ClientProxyFactory, type ClientKafka, type KafkaOptions, Transport } from '@nestjs/microservices'
import { logLevel } from 'kafkajs'
import type { Consumption, Contestant } from './contestant.ts'
import { type KafkaCourse, maxWaitMs } from './kafka-course.ts'
import { nestModule } from './nest-module.ts'
import type { Send } from './pipelined.ts'

export class PeerNestjsKafka implements Contestant<KafkaCourse> {
  readonly name = 'NestJS microservices'
  readonly packageName = '@nestjs/microservices'
  readonly remark = 'NestJS makes a request of each message, and hands over single records.'
  #course!: KafkaCourse
  #client!: ClientKafka
  #service: INestMicroservice | undefined

  async open(course: KafkaCourse): Promise<void> {
    Logger.overrideLogger(false)
    this.#course = course
    const options = { ...this.#options(), producerOnlyMode: true, producer: { idempotent: true } }
    this.#client = ClientProxyFactory.create({ transport: Transport.KAFKA, options }) as ClientKafka
    await this.#client.connect()
  }

  async publisher(body: Buffer): Promise<Send> {
    const { topic, key, headers } = this.#course
    const client = this.#client
    return (confirmed, failed) => {
      const record = { value: body, headers: { ...headers }, ...(key === null ? {} : { key }) }
      client.emit(topic, record).subscribe({ complete: confirmed, error: failed })
    }
  }

  async consume(onMessage: () => void): Promise<Consumption> {
    const service: INestMicroservice = await NestFactory.createMicroservice(nestModule(this.#course.topic, onMessage), {
      transport: Transport.KAFKA,
      options: { ...this.#options(), subscribe: { fromBeginning: true } },
      logger: false,
    })
    this.#service = service
    await service.listen()
    return { stop: () => this.#stop() }
  }

  async close(): Promise<void> {
    await this.#stop()
    await this.#client.close()
  }

  async #stop(): Promise<void> {
    const service = this.#service
    this.#service = undefined
    await service?.close()
  }

  #options(): NonNullable<KafkaOptions['options']> {
    const { broker, group } = this.#course
    return {
      postfixId: '',
      client: { clientId: 'bench', brokers: [broker], logLevel: logLevel.NOTHING },
      consumer: { groupId: group, maxWaitTimeInMs: maxWaitMs },
    }
  }
}
