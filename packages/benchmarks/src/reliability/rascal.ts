import type { Entrant, Stage } from './entrant.ts'

/** The part of rascal used here; it brings no types of its own. */
interface RascalModule {
  readonly BrokerAsPromised: { create(config: object): Promise<RascalBroker> }
}

interface RascalBroker {
  publish(name: string, body: Buffer, overrides: object): Promise<Session>
  subscribe(name: string): Promise<Session>
  shutdown(): Promise<void>
  on(event: string, listener: (...given: any[]) => void): unknown
}

interface Session {
  on(event: string, listener: (...given: any[]) => void): this
}

const packageName: string = 'rascal'
const retry = { min: 200, max: 1_000 }

export class Rascal implements Entrant {
  readonly name = 'rascal'
  readonly packageName = packageName
  #broker!: RascalBroker

  queueOf(queue: string): string {
    return queue
  }

  async open({ url, queue, prefetch }: Stage): Promise<void> {
    const rascal = ((await import(packageName)) as { default: RascalModule }).default
    this.#broker = await rascal.BrokerAsPromised.create({
      vhosts: {
        '/': {
          connection: { url, retry },
          queues: { [queue]: { assert: false, check: false } },
          publications: { load: { queue, confirm: true, options: { persistent: true } } },
          subscriptions: { load: { queue, prefetch, retry } },
        },
      },
    })
    this.#broker.on('error', () => {})
  }

  async send(id: string, body: Buffer): Promise<unknown> {
    const publication = await this.#broker.publish('load', body, { options: { messageId: id, persistent: true } })
    return new Promise<void>((resolve, reject) => {
      publication
        .on('success', () => resolve())
        .on('error', reject)
        .on('return', reject)
    })
  }

  async consume(handler: (id: string) => Promise<void>): Promise<void> {
    const session = await this.#broker.subscribe('load')
    session.on('message', (message: any, _content: unknown, ackOrNack: () => void) => {
      void handler(String(message.properties.messageId)).then(() => ackOrNack())
    })
    session.on('error', () => {})
  }

  close(): Promise<void> {
    return this.#broker.shutdown()
  }
}
