import type { Course } from './contestant.ts'

export interface RabbitmqCourse extends Course {
  readonly exchange: string
  readonly routingKey: string
  readonly queue: string
  readonly mandatory: boolean
  /** AMQP properties and headers as Waybill writes them, in amqplib's words. */
  readonly properties: { readonly [name: string]: unknown; readonly headers: { readonly [name: string]: unknown } }
}
