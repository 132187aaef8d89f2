import { MessagingError } from '@waybill/core/driver'
import type { ChannelModel } from 'amqplib'
import { maxMessageBytes } from './rabbitmq-options.ts'

/** What amqplib asks for, and so what a broker may send at most. amqplib itself would take frames of 64 MiB. */
export const maxFrameBytes = 131_072

/**
 * A broker fills its frames, which have 4,096 bytes at least; one that sends a message in crumbs wants to fill our
 * memory with their bookkeeping. https://www.rabbitmq.com/amqp-0-9-1-reference#constants
 */
const leastBytesPerFrame = 4_000
const spareFrames = 64

/** https://www.rabbitmq.com/amqp-0-9-1-reference#class.basic */
const contentHeader = 60

/** As amqplib decodes it: a content header has `size`, a body `content`. */
interface Frame {
  readonly id?: number
  readonly channel: number
  readonly size?: number
  readonly content?: Buffer
}

/** The message on its way on one channel, frame by frame; the same object for all of them. */
interface Arriving {
  missingBytes: number
  framesLeft: number
}

/**
 * Looks at each frame before amqplib's state machine does, and ends the connection when a message is announced that no
 * broker may send, or does not come as announced.
 *
 * amqplib collects the bodies of a message until it is whole, however large the header says that will be, and counts
 * neither frames nor bytes. Conformance: ERR-07.
 */
export function guardFrames(model: ChannelModel): void {
  const connection = model.connection as { accept?: (frame: Frame) => unknown }
  const accept = connection.accept
  if (typeof accept !== 'function') return
  const guard = new FrameGuard()
  connection.accept = (frame) => {
    guard.look(frame)
    return accept.call(connection, frame)
  }
}

export class FrameGuard {
  readonly #arriving = new Map<number, Arriving>()

  /** @throws MessagingError `internal` on a frame that no broker may send. */
  look({ id, channel, size, content }: Frame): void {
    if (content !== undefined) this.#body(channel, content.length)
    else if (id === contentHeader && size !== undefined) this.#header(channel, size)
  }

  #header(channel: number, size: number): void {
    if (!(size >= 0 && size <= maxMessageBytes)) {
      throw refused(`a message of ${size} bytes, and the largest there can be has ${maxMessageBytes}`)
    }
    let arriving = this.#arriving.get(channel)
    if (arriving === undefined) {
      arriving = { missingBytes: 0, framesLeft: 0 }
      this.#arriving.set(channel, arriving)
    }
    arriving.missingBytes = size
    arriving.framesLeft = Math.ceil(size / leastBytesPerFrame) + spareFrames
  }

  #body(channel: number, bytes: number): void {
    const arriving = this.#arriving.get(channel)
    if (arriving === undefined || arriving.missingBytes === 0)
      throw refused('the body of a message that it did not announce')
    arriving.missingBytes -= bytes
    arriving.framesLeft--
    if (arriving.missingBytes < 0) throw refused('more of a message than it announced')
    if (arriving.missingBytes > 0 && arriving.framesLeft <= 0) throw refused('a message in crumbs')
  }
}

function refused(what: string): MessagingError {
  const advice = 'the connection is given up; check what answers at this address'
  return new MessagingError('internal', `the broker sends ${what}; ${advice}`, { system: 'rabbitmq' })
}
