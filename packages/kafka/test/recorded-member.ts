import { type FaultProxy, startKafkaProxy } from '@waybill/brokers'
import { eventually, sleep } from '@waybill/conformance'
import { connect, type Consumer, type Messaging } from '@waybill/core'
import type { LogEvent, LogRecorder } from '@waybill/simulation'
import { kafka } from '../src/index.ts'

/** Short, so that what takes a minute elsewhere takes seconds here; long enough for a machine that has much to do. */
export const times = { heartbeatMs: 1_000, sessionTimeoutMs: 5_000, rebalanceDrainMs: 1_000 }
const waitForBrokerMs = 20_000

/** A program that sends or consumes over a link of its own, with the recorder at its driver. */
export class RecordedMember {
  readonly name: string
  readonly consumers: Consumer[] = []
  /** A handler of a dead one never ends. */
  lives = true
  /** Handlers at work on something that takes long. */
  longRuns = 0
  readonly #recorder: LogRecorder
  readonly #proxy: FaultProxy
  #messaging: Messaging | undefined

  private constructor(name: string, recorder: LogRecorder, proxy: FaultProxy) {
    this.name = name
    this.#recorder = recorder
    this.#proxy = proxy
  }

  static async open(name: string, url: string, recorder: LogRecorder): Promise<RecordedMember> {
    const proxy = await startKafkaProxy(url)
    const member = new RecordedMember(name, recorder, proxy)
    const driver = kafka({ url: proxy.url(url), clientId: name, ...times })
    member.#messaging = await connect(recorder.wrap(driver, name), { source: '/agreement', waitForBrokerMs })
    return member
  }

  get messaging(): Messaging {
    return this.#messaging as Messaging
  }

  /** Its connections are reset; it comes back by itself. */
  cut(): void {
    this.#recorder.unreachable(this.name)
    this.#proxy.cut()
  }

  /** For a moment it cannot come back either. */
  async cutFor(ms: number): Promise<void> {
    await this.#proxy.refuse(true)
    this.cut()
    await sleep(ms)
    await this.#proxy.refuse(false)
  }

  /** Nothing passes until it has noticed, and nobody is told; what was held is delivered afterwards. */
  async silence(): Promise<void> {
    const isLost = this.#watchLosses()
    this.#recorder.unreachable(this.name)
    this.#proxy.blackhole(true)
    await eventually(`${this.name} notices`, isLost, { withinMs: 20_000 })
    this.#proxy.blackhole(false)
  }

  /** For the broker its process is gone from one moment to the next, and nothing that it runs counts any more. */
  async kill(): Promise<void> {
    this.lives = false
    this.#recorder.unreachable(this.name)
    await this.#proxy.refuse(true)
    this.#proxy.cut()
    await this.close(0)
  }

  /** Whether it has lost its connections of both roles since. */
  #watchLosses(): () => boolean {
    const { events } = this.#recorder
    const isOwn = (event: LogEvent) => event.kind === 'connects' && event.member === this.name
    const own = new Set(events.flatMap((event) => (isOwn(event) && 'connection' in event ? event.connection : [])))
    const from = events.length
    const isLoss = (event: LogEvent) => event.kind === 'lost' && own.has(event.connection)
    return () => events.slice(from).filter(isLoss).length >= 2
  }

  async close(drainMs: number): Promise<void> {
    await this.messaging.close({ drainMs })
    await this.#proxy.close()
  }
}
