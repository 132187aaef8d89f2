import 'reflect-metadata'
import { type INestMicroservice, Logger } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { ClientProxyFactory, type ClientRMQ, type RmqContext, type RmqOptions, Transport } from '@nestjs/microservices'
import type { Consumption, Contestant } from './contestant.ts'
import { nestModule } from './nest-module.ts'
import type { Send } from './pipelined.ts'
import type { RabbitmqCourse } from './rabbitmq-course.ts'

const pattern = 'bench'

export class PeerNestjsRabbitmq implements Contestant<RabbitmqCourse> {
  readonly name = 'NestJS microservices'
  readonly packageName = '@nestjs/microservices'
  readonly remark =
    'NestJS sends by the default exchange, as it does unless told otherwise, and the body as text in its JSON envelope.'
  readonly fillsItsOwn = true
  #course!: RabbitmqCourse
  #client!: ClientRMQ
  #service: INestMicroservice | undefined

  async open(course: RabbitmqCourse): Promise<void> {
    Logger.overrideLogger(false)
    this.#course = course
    const options = { ...this.#options(), headers: course.properties.headers as Record<string, string> }
    this.#client = ClientProxyFactory.create({ transport: Transport.RMQ, options }) as ClientRMQ
    await this.#client.connect()
  }

  async publisher(body: Buffer): Promise<Send> {
    const client = this.#client
    const data = body.toString('latin1')
    return (confirmed, failed) => void client.emit(pattern, data).subscribe({ complete: confirmed, error: failed })
  }

  async consume(onMessage: () => void): Promise<Consumption> {
    const options = { ...this.#options(), noAck: false }
    const module = nestModule<RmqContext>(pattern, (context) => {
      onMessage()
      context.getChannelRef().ack(context.getMessage())
    })
    const service: INestMicroservice = await NestFactory.createMicroservice(module, {
      transport: Transport.RMQ,
      options,
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

  #options(): NonNullable<RmqOptions['options']> {
    const { url, queue, prefetch } = this.#course
    return { urls: [url], queue, noAssert: true, persistent: true, prefetchCount: prefetch }
  }
}
