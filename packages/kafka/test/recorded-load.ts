import { eventually, item, type Item, itemChannel, type ItemChannel, sleep } from '@waybill/conformance'
import type { HandlerContext } from '@waybill/core'
import { type LogEvent, LogRecorder } from '@waybill/simulation'
import { kafkaAt, RawLog } from './kafka-cluster.ts'
import { RecordedMember } from './recorded-member.ts'

const stepMs = 30_000
const sendEveryMs = 35
const keys = 16
const concurrency = 8
const retry = { maxAttempts: 3, delaysMs: [150] }
const longMs = 1_800

const isLong = ({ n }: Item): boolean => n % 19 === 7
const failsFirst = ({ n }: Item): boolean => n % 11 === 3
const failsAlways = ({ n }: Item): boolean => n % 67 === 31

/** One group of one channel. */
interface Reading {
  readonly channel: ItemChannel<string>
  readonly group: string
  /** Ids of messages that were handled. */
  readonly handled: Set<string>
}

/**
 * Has the production core work on a real Kafka while members come and go in every way, and writes down what happens at
 * the driver interface: about a minute, from empty topics to settled ones. `say` is told what is being done.
 */
export async function recordLoad(url: string, say: (step: string) => void): Promise<readonly LogEvent[]> {
  const load = new RecordedLoad(url, say)
  try {
    await load.run()
  } finally {
    await load.end()
  }
  return load.recorder.events
}

class RecordedLoad {
  readonly recorder = new LogRecorder()
  readonly #url: string
  readonly #say: (step: string) => void
  readonly #keyed: ItemChannel<string>
  readonly #plain: ItemChannel<string>
  readonly #readings: readonly Reading[]
  readonly #sent = new Map<ItemChannel<string>, Set<string>>()
  readonly #present = new Set<RecordedMember>()
  #isSending = true

  constructor(url: string, say: (step: string) => void) {
    this.#url = url
    this.#say = say
    const nonce = Math.floor(Math.random() * 2 ** 32).toString(36)
    this.#keyed = itemChannel<string>(`agree.${nonce}.keyed`, ['billing', 'shipping'], { ordering: 'key' })
    this.#plain = itemChannel<string>(`agree.${nonce}.plain`, ['billing'])
    this.#readings = [
      { channel: this.#keyed, group: 'billing', handled: new Set() },
      { channel: this.#keyed, group: 'shipping', handled: new Set() },
      { channel: this.#plain, group: 'billing', handled: new Set() },
    ]
  }

  async run(): Promise<void> {
    const sender = await this.#open('sender')
    const first = await this.#join('first')
    const sending = Promise.all([this.#send(sender, this.#keyed), this.#send(sender, this.#plain)])
    await this.#progress(60)
    const second = await this.#join('second')
    await this.#progress(60)
    const third = await this.#join('third')
    await this.#progress(60)
    await this.#cutTwice(second)
    await this.#leave(third, 10_000)
    await this.#leaveInHaste(await this.#join('fourth'))
    await this.#expel(first)
    await this.#kill(await this.#join('fifth'))
    await this.#disturb(sender)
    await this.#pause(first)
    await this.#silence(second)
    await this.#join('sixth')
    await this.#progress(100)
    this.#isSending = false
    await sending
    await this.#untilHandled()
  }

  async end(): Promise<void> {
    this.#isSending = false
    this.#say('all leave')
    await Promise.all([...this.#present].map((member) => member.close(10_000)))
  }

  async #open(name: string): Promise<RecordedMember> {
    this.#say(`${name} comes`)
    const member = await RecordedMember.open(name, this.#url, this.recorder)
    this.#present.add(member)
    return member
  }

  async #join(name: string): Promise<RecordedMember> {
    const member = await this.#open(name)
    let done = 0
    const handle = ({ channel, group, handled }: Reading) =>
      member.messaging.consume(channel, { group, concurrency, retry }, async (data: Item, context: HandlerContext) => {
        await this.#work(member, data, context)
        handled.add(context.message.id)
        done++
      })
    member.consumers.push(...(await Promise.all(this.#readings.map(handle))))
    if (this.#sent.size > 0) await eventually(`${name} has work`, () => done > 0, { withinMs: stepMs })
    return member
  }

  async #work(member: RecordedMember, data: Item, { attempt }: HandlerContext): Promise<void> {
    if (isLong(data)) member.longRuns++
    await sleep(isLong(data) ? longMs : 5 + (data.n % 20))
    if (isLong(data)) member.longRuns--
    if (!member.lives) await new Promise(() => {})
    if (failsAlways(data) || (failsFirst(data) && attempt === 1)) throw new Error('planted')
  }

  async #send(sender: RecordedMember, channel: ItemChannel<string>): Promise<void> {
    const sent = new Set<string>()
    this.#sent.set(channel, sent)
    const answers: Promise<unknown>[] = []
    for (let n = 0; this.#isSending; n++) {
      const id = `${channel.name}-${n}`
      const answer = sender.messaging.send(channel, item(n, { key: `k${n % keys}` }), { id, timeoutMs: 60_000 })
      answers.push(answer.then(() => sent.add(id)))
      await sleep(sendEveryMs)
    }
    await Promise.all(answers)
  }

  /** Once as it works, and again while it begins to listen anew. */
  async #cutTwice(member: RecordedMember): Promise<void> {
    this.#say(`${member.name} is cut off, twice`)
    const before = this.recorder.events.length
    member.cut()
    const listens = (): boolean => this.recorder.events.slice(before).some(({ kind }) => kind === 'listens')
    await eventually(`${member.name} listens again`, listens, { withinMs: stepMs })
    await member.cutFor(300)
    await this.#progress(60)
  }

  async #leave(member: RecordedMember, drainMs: number): Promise<void> {
    this.#say(`${member.name} leaves`)
    await member.close(drainMs)
    this.#present.delete(member)
    await this.#progress(40)
  }

  async #leaveInHaste(member: RecordedMember): Promise<void> {
    await eventually(`${member.name} is busy`, () => member.longRuns > 0, { withinMs: stepMs })
    await this.#leave(member, 50)
  }

  /** The broker is told that the member is gone, which lives. */
  async #expel(member: RecordedMember): Promise<void> {
    this.#say(`${member.name} is expelled`)
    await using broker = await this.#operator(member)
    this.recorder.unreachable(member.name)
    await broker.expel()
    await this.#progress(60)
    // From here on it is to be held to the rules again.
    member.cut()
    await this.#progress(60)
  }

  /** Who can tell the broker that a member is gone. */
  async #operator({ name }: RecordedMember): Promise<AsyncDisposable & { expel(): Promise<void> }> {
    const group = `${this.#keyed.name}..billing`
    const kafkajs = kafkaAt(this.#url)
    const [admin, log] = [kafkajs.admin(), await RawLog.open(kafkajs)]
    await admin.connect()
    const { groups } = await admin.describeGroups([group])
    await admin.disconnect()
    const own = groups.flatMap(({ members }) => members).find(({ clientId }) => clientId === `${name}-receive`)
    return { expel: () => log.expel(group, own?.memberId ?? ''), [Symbol.asyncDispose]: () => log.close() }
  }

  async #kill(member: RecordedMember): Promise<void> {
    this.#say(`${member.name} is killed`)
    this.#present.delete(member)
    await member.kill()
    await this.#progress(100)
  }

  /** What the silence held back arrives, though it was sent again meanwhile. */
  async #disturb(sender: RecordedMember): Promise<void> {
    this.#say(`${sender.name} is cut off, and then nothing is heard of it`)
    await sender.cutFor(200)
    await this.#progress(40)
    await sender.silence()
    await this.#progress(40)
  }

  async #pause(member: RecordedMember): Promise<void> {
    this.#say(`${member.name} pauses`)
    for (const consumer of member.consumers) consumer.pause()
    await this.#progress(60)
    for (const consumer of member.consumers) consumer.resume()
    await this.#progress(60)
  }

  async #silence(member: RecordedMember): Promise<void> {
    this.#say(`nothing is heard of ${member.name}, and it is expelled before it knows`)
    await using broker = await this.#operator(member)
    await Promise.all([member.silence(), broker.expel()])
    await this.#progress(60)
  }

  get #handled(): number {
    return this.#readings.reduce((sum, { handled }) => sum + handled.size, 0)
  }

  async #progress(more: number): Promise<void> {
    const wanted = this.#handled + more
    await eventually(`${more} more handled`, () => this.#handled >= wanted, { withinMs: stepMs })
  }

  /** Each confirmed message, in each group, or dead-lettered there. */
  async #untilHandled(): Promise<void> {
    this.#say('all that was sent is to be handled')
    const isDone = (): true => {
      const left = this.#readings.flatMap((reading) => this.#left(reading))
      if (left.length > 0) throw new Error(`${left.length} are open, ${left.slice(0, 5)} among them`)
      return true
    }
    await eventually('all is handled', isDone, { withinMs: stepMs, everyMs: 100 })
  }

  #left({ channel, group, handled }: Reading): readonly string[] {
    const dead = `${channel.name}/${group}/dead`
    const letters = new Set(this.recorder.events.flatMap((each) => (isConfirmed(each, dead) ? each.id : [])))
    return [...(this.#sent.get(channel) ?? [])].filter((id) => !handled.has(id) && !letters.has(id))
  }
}

function isConfirmed(event: LogEvent, to: string): event is LogEvent & { readonly kind: 'confirmed' } {
  return event.kind === 'confirmed' && event.to === to
}
