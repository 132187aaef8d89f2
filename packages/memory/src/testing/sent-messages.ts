import type { Channel, Message } from '@waybill/core'
import {
  connectWith,
  type Address,
  type Driver,
  type DriverConnection,
  type Outgoing,
  type Runtime,
} from '@waybill/core/driver'
import type { SendFailure, WireMessage } from '@waybill/core/driver'
import { createMemoryBroker } from '../memory-broker.ts'
import { memory } from '../memory-driver.ts'

const group = 'waybill-sent'

/** Keeps what a driver sent to channels, in the order of the confirmations. */
export class SentMessages {
  readonly #byChannel = new Map<string, WireMessage[]>()
  readonly #withoutGroups = new Set<string>()

  /** The same driver, watched. */
  watch(driver: Driver): Driver {
    const { specVersion, system, capabilities } = driver
    return {
      specVersion,
      system,
      capabilities,
      classify: (error) => driver.classify(error),
      connect: async (context) => this.#watchConnection(driver, await driver.connect(context)),
    }
  }

  /** As a receiver would see them: decoded and validated by the core, on a broker of their own. */
  async of(channel: Channel, runtime: Runtime): Promise<Message[]> {
    const broker = createMemoryBroker()
    const messaging = await connectWith(runtime, memory({ broker }))
    try {
      const watched = channel.withGroups(group)
      await messaging.provision([watched], 'create')
      const at = { channel: channel.name, group, lane: 'dead' } as const
      for (const message of this.#byChannel.get(channel.name) ?? []) broker.publish(at, message)
      const found: Message[] = []
      for await (const letter of messaging.deadLetters(watched, group).list()) {
        const { id, type, source, time, key, correlationId, headers } = letter.message
        found.push({ id, type, source, time, key, correlationId, headers, data: await letter.decode() })
      }
      return found
    } finally {
      await messaging.close()
    }
  }

  #watchConnection(driver: Driver, connection: DriverConnection): DriverConnection {
    return {
      provision: (topology, mode) => {
        for (const { name, groups } of topology.channels) {
          if (groups.length === 0) this.#withoutGroups.add(name)
          else this.#withoutGroups.delete(name)
        }
        return connection.provision(topology, mode)
      },
      send: (to, batch, done) =>
        connection.send(to, batch, (index, failure) => {
          if (this.#counts(driver, to, failure)) this.#keep(to.channel, batch[index] as Outgoing)
          done(index, failure)
        }),
      listen: (request, onDelivery) => connection.listen(request, onDelivery),
      inspect: (address, signal) => connection.inspect(address, signal),
      close: () => connection.close(),
    }
  }

  /** Confirmed, or sent to a channel that only broadcasts while nobody listens. */
  #counts(driver: Driver, to: Address, failure: SendFailure | undefined): boolean {
    if (to.group !== undefined) return false
    if (failure === undefined) return true
    return driver.classify(failure.error) === 'unroutable' && this.#withoutGroups.has(to.channel)
  }

  #keep(channel: string, { message }: Outgoing): void {
    const kept = this.#byChannel.get(channel)
    if (kept === undefined) this.#byChannel.set(channel, [message])
    else kept.push(message)
  }
}
