import 'reflect-metadata'
import { Controller, type INestMicroservice, Logger, Module } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import {
  ClientProxyFactory,
  type ClientRMQ,
  Ctx,
  EventPattern,
  type RmqContext,
  type RmqOptions,
  Transport,
} from '@nestjs/microservices'
import type { Consumption, Contestant, Course } from './contestant.ts'
import type { Send } from './pipelined.ts'

const pattern = 'bench'

/** Decorators are called by hand, since this repository's TypeScript runs without being compiled. */
export class PeerNestjs implements Contestant {
  readonly name = 'NestJS microservices'
  readonly packageName = '@nestjs/microservices'
  readonly remark =
    'NestJS sends by the default exchange, as it does unless told otherwise, and the body as text in its JSON envelope.'
  readonly fillsItsOwn = true
  #course!: Course
  #client!: ClientRMQ
  #service: INestMicroservice | undefined

  async open(course: Course): Promise<void> {
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
    const module = moduleWith((context) => {
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

function moduleWith(handle: (context: RmqContext) => void): new () => object {
  class BenchController {
    handle(context: RmqContext): void {
      handle(context)
    }
  }
  const method = Object.getOwnPropertyDescriptor(BenchController.prototype, 'handle') as PropertyDescriptor
  EventPattern(pattern)(BenchController.prototype, 'handle', method)
  Ctx()(BenchController.prototype, 'handle', 0)
  Controller()(BenchController)
  class BenchModule {}
  Module({ controllers: [BenchController] })(BenchModule)
  return BenchModule
}
