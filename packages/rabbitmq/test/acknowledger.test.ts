import type { Message } from 'amqplib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Acknowledger } from '../src/rabbitmq-acknowledger.ts'

/** Settles as RabbitMQ does: a number that is not unsettled closes the amqp channel. */
class FakeChannel {
  readonly unsettled = new Map<number, Message>()
  readonly acknowledged: number[] = []
  readonly returned: number[] = []
  frames = 0
  #next = 1

  deliver(): Message {
    const message = { fields: { deliveryTag: this.#next++ } } as Message
    this.unsettled.set(message.fields.deliveryTag, message)
    return message
  }

  ack({ fields: { deliveryTag } }: Message, allUpTo: boolean): void {
    this.frames++
    if (!this.unsettled.has(deliveryTag)) throw new Error(`unknown delivery tag ${deliveryTag}`)
    const settled = allUpTo ? [...this.unsettled.keys()].filter((tag) => tag <= deliveryTag) : [deliveryTag]
    for (const tag of settled) this.unsettled.delete(tag)
    this.acknowledged.push(...settled)
  }

  nack({ fields: { deliveryTag } }: Message): void {
    this.frames++
    if (!this.unsettled.delete(deliveryTag)) throw new Error(`unknown delivery tag ${deliveryTag}`)
    this.returned.push(deliveryTag)
  }
}

const turn = () => new Promise((resolve) => setImmediate(resolve))

describe('acknowledgements', () => {
  it('are of exactly what was accepted, whatever happens in a turn', async () => {
    const step = fc.record({
      what: fc.constantFrom('deliver', 'accept', 'release', 'turn', 'flush'),
      which: fc.nat(50),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 120 }), async (steps) => {
        const channel = new FakeChannel()
        const failures: unknown[] = []
        const acknowledger = new Acknowledger({ amqpChannel: channel, onFailure: (_, error) => failures.push(error) })
        const open: Message[] = []
        const accepted: number[] = []
        const released: number[] = []
        for (const { what, which } of steps) {
          const [message] =
            what === 'accept' || what === 'release' ? open.splice(which % Math.max(open.length, 1), 1) : []
          if (what === 'deliver') {
            open.push(channel.deliver())
            acknowledger.delivered()
          } else if (what === 'turn') await turn()
          else if (what === 'flush') acknowledger.flush()
          else if (message === undefined) continue
          else if (what === 'accept') {
            accepted.push(message.fields.deliveryTag)
            acknowledger.accept(message)
          } else {
            released.push(message.fields.deliveryTag)
            acknowledger.release(message)
          }
        }
        await turn()
        const ascending = (a: number, b: number) => a - b
        expect(failures).toEqual([])
        expect(channel.acknowledged.sort(ascending)).toEqual(accepted.sort(ascending))
        expect(channel.returned.sort(ascending)).toEqual(released.sort(ascending))
        expect([...channel.unsettled.keys()]).toEqual(open.map(({ fields }) => fields.deliveryTag).sort(ascending))
      }),
    )
  })

  it('of one turn are one frame when nothing else is unsettled', async () => {
    const channel = new FakeChannel()
    const acknowledger = new Acknowledger({ amqpChannel: channel, onFailure: () => {} })
    const messages = Array.from({ length: 50 }, () => channel.deliver())
    for (const _ of messages) acknowledger.delivered()
    for (const message of messages.toReversed()) acknowledger.accept(message)
    await turn()
    expect(channel.frames).toBe(1)
    expect(channel.unsettled.size).toBe(0)
  })

  it('that cannot be sent are told, each', async () => {
    const channel = new FakeChannel()
    const failed: number[] = []
    const onFailure = ({ fields }: Message) => void failed.push(fields.deliveryTag)
    const acknowledger = new Acknowledger({ amqpChannel: channel, onFailure })
    const messages = [channel.deliver(), channel.deliver()]
    for (const _ of messages) acknowledger.delivered()
    channel.unsettled.clear()
    for (const message of messages) acknowledger.accept(message)
    await turn()
    expect(failed).toEqual([1, 2])
  })
})
