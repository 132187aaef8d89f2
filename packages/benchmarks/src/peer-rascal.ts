import type { Consumption, Contestant } from './contestant.ts'
import type { Send } from './pipelined.ts'
import type { RabbitmqCourse } from './rabbitmq-course.ts'

/** The part of rascal used here; it brings no types of its own. */
interface Rascal {
  readonly BrokerAsPromised: { create(config: object): Promise<RascalBroker> }
}

interface RascalBroker {
  publish(name: string, body: Buffer): Promise<RascalSession>
  subscribe(name: string): Promise<RascalSession & { cancel(): Promise<void> }>
  shutdown(): Promise<void>
  on(event: string, listener: (...given: any[]) => void): unknown
}

interface RascalSession {
  on(event: string, listener: (...given: any[]) => void): this
}

/** A name in a variable: what is not installed is noticed here, as a sentence in the table, and nowhere else. */
const packageName: string = 'rascal'

export class PeerRascal implements Contestant<RabbitmqCourse> {
  readonly name = 'rascal'
  readonly packageName = packageName
  #broker!: RascalBroker

  async open(course: RabbitmqCourse): Promise<void> {
    const { exchange, queue, routingKey, mandatory, properties, prefetch } = course
    const rascal = ((await import(packageName)) as { default: Rascal }).default
    // One object each: rascal writes into what it is given.
    const existing = (): object => ({ assert: false, check: false })
    this.#broker = await rascal.BrokerAsPromised.create({
      vhosts: {
        '/': {
          connection: { url: course.url },
          exchanges: { [exchange]: existing() },
          queues: { [queue]: existing() },
          publications: {
            bench: { exchange, routingKey, confirm: true, options: { ...properties, persistent: true, mandatory } },
          },
          subscriptions: { bench: { queue, prefetch } },
        },
      },
    })
    this.#broker.on('error', () => {})
  }

  async publisher(body: Buffer): Promise<Send> {
    const broker = this.#broker
    return (confirmed, failed) =>
      void broker
        .publish('bench', body)
        .then((publication) => publication.on('success', confirmed).on('error', failed).on('return', failed), failed)
  }

  async consume(onMessage: () => void): Promise<Consumption> {
    const session = await this.#broker.subscribe('bench')
    session.on('message', (_message: unknown, _content: unknown, ackOrNack: () => void) => {
      onMessage()
      ackOrNack()
    })
    session.on('error', () => {})
    return { stop: () => session.cancel() }
  }

  close(): Promise<void> {
    return this.#broker.shutdown()
  }
}
