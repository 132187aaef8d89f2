import { checkName } from './channel.ts'
import { inContentMode } from './content-mode.ts'
import { abortedError } from './link.ts'
import { defaultSendTimeoutMs } from './channel-producer.ts'
import { checkEnvelope } from './envelope-size.ts'
import { MessagingError } from './messaging-error.ts'
import type { Site } from './messaging-parts.ts'
import { PendingSend } from './pending-send.ts'
import { fromPrepared, isKeyed } from './prepared-message.ts'
import type { PreparedMessage } from './producer.ts'
import { rejectedSends } from './send-failures.ts'
import { sendDelay } from './send-delay.ts'
import type { TopologyNeed } from './topology-registry.ts'

/** The relay of an outbox: sends what `prepare` gave, perhaps in another process that never declared the channel. Conformance: SND-15. */
export class PreparedSender {
  readonly #locate: (channel: string) => Omit<Site, 'channel'>

  constructor(locate: (channel: string) => Omit<Site, 'channel'>) {
    this.#locate = locate
  }

  async send(messages: readonly PreparedMessage[], signal: AbortSignal | undefined): Promise<void> {
    if (signal?.aborted) throw abortedError(signal)
    await this.#know(messages)
    await rejectedSends(
      messages.map((message) => this.#sendOne(message, signal)),
      'cannot send all prepared messages',
    )
  }

  /** Tells each connection of the channels it has not heard of. Nothing is made: `prepare`'s process did that. */
  async #know(messages: readonly PreparedMessage[]): Promise<void> {
    const needs = new Map<string, TopologyNeed>()
    for (const message of messages) {
      checkName('channel', message?.channel)
      needs.set(message.channel, { name: message.channel, keyed: isKeyed(message), groups: [] })
    }
    await Promise.all(
      [...needs.values()].map((need) => {
        const { connection, route } = this.#locate(need.name)
        if (connection.provisioner.knows(need.name)) return undefined
        return connection.provision(need, route, 'known')
      }),
    )
  }

  #sendOne(message: PreparedMessage, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const { connection, route } = this.#locate(message.channel)
      const { clock } = connection.runtime
      const wire = fromPrepared(message)
      const { maxBodyBytes } = connection.driver.capabilities
      if ((wire.body?.byteLength ?? 0) > maxBodyBytes) {
        const what = `cannot send to "${message.channel}": the body is larger than the broker's ${maxBodyBytes} bytes`
        throw new MessagingError('tooLarge', what, { channel: message.channel })
      }
      checkEnvelope(wire, connection.driver.capabilities, message.channel)
      const target = { name: message.channel, keyed: isKeyed(message) }
      const delayMs = sendDelay(connection.driver, target, message.deliverAt, clock)
      const queue = connection.queueFor({ channel: message.channel }, isKeyed(message))
      const deadlineAt = clock.monotonic() + defaultSendTimeoutMs
      const sent = inContentMode(wire, route, connection.driver.capabilities, message.channel)
      queue.add(new PendingSend(sent, delayMs, deadlineAt, () => resolve(), reject), signal)
    })
  }
}
