import { startKafkaCluster } from '@waybill/brokers'
import { sleep } from '@waybill/conformance'
import { freshName, until } from '@waybill/conformance/bench'
import { channel, connect, type Messaging, type StandardSchemaV1 } from '@waybill/core'
import { afterAll, describe, expect, it } from 'vitest'

const cluster = await startKafkaCluster()
const open: Messaging[] = []
afterAll(async () => {
  for (const each of open) await each.close({ drainMs: 1_000 })
  await cluster.stop()
}, 60_000)

interface Item {
  readonly key: string
  readonly n: number
}

const anyItem: StandardSchemaV1<Item, Item> = {
  '~standard': { version: 1, vendor: 'test', validate: (value) => ({ value: value as Item }) },
}
const group = 'ours'
const items = (name: string) =>
  channel(name, { schema: anyItem, key: ({ key }) => key, groups: [group], ordering: 'key' })

async function member(partitions: number): Promise<Messaging> {
  const messaging = await connect(`${cluster.url}?partitions=${partitions}&heartbeatMs=2000&sessionTimeoutMs=6000`)
  open.push(messaging)
  return messaging
}

/** What somebody sends at a steady pace, and what two members of a group get of it. */
class Traffic {
  /** Numbers that the cluster has confirmed. */
  readonly confirmed: number[] = []
  readonly failures: unknown[] = []
  /** Numbers in the order in which they were first handled, by key. */
  readonly handled = new Map<string, Set<number>>()
  #isOver = false
  #sending: Promise<unknown>[] = []
  #loop!: Promise<void>

  static async begin(partitions: number, keys: number, everyMs: number): Promise<Traffic> {
    const traffic = new Traffic()
    const orders = items(freshName('orders'))
    const sender = await member(partitions)
    await sender.provision([orders], 'create')
    for (let each = 0; each < 2; each++) {
      const consumer = await member(partitions)
      await consumer.consume(orders, { group, concurrency: 50 }, async (item) => traffic.#handle(item))
    }
    traffic.#loop = traffic.#send(sender, orders, keys, everyMs)
    return traffic
  }

  get handledCount(): number {
    return [...this.handled.values()].reduce((sum, { size }) => sum + size, 0)
  }

  /** Resolves once all that was sent is answered. */
  async end(): Promise<void> {
    this.#isOver = true
    await this.#loop
    await Promise.all(this.#sending)
  }

  async #send(messaging: Messaging, orders: ReturnType<typeof items>, keys: number, everyMs: number): Promise<void> {
    for (let n = 0; !this.#isOver; n++) {
      const sent = messaging.send(orders, { key: `key-${n % keys}`, n }, { timeoutMs: 60_000 })
      this.#sending.push(
        sent.then(
          () => this.confirmed.push(n),
          (error: unknown) => this.failures.push(error),
        ),
      )
      await sleep(everyMs)
    }
  }

  #handle({ key, n }: Item): void {
    const known = this.handled.get(key)
    if (known === undefined) this.handled.set(key, new Set([n]))
    else known.add(n)
  }

  /** Nothing lost, in the order of each key. */
  check(): void {
    const handled = new Set([...this.handled.values()].flatMap((numbers) => [...numbers]))
    expect(this.failures).toEqual([])
    expect(this.confirmed.filter((n) => !handled.has(n))).toEqual([])
    for (const numbers of this.handled.values()) expect([...numbers]).toEqual([...numbers].toSorted((a, b) => a - b))
  }
}

describe('a cluster whose brokers stop one after the other', () => {
  it.each(['politely', 'kill'] as const)(
    'loses nothing and keeps the order, and everybody goes on: %s',
    async (how) => {
      const busy = await Traffic.begin(6, 20, 2)
      const quiet = await Traffic.begin(1, 1, 250)
      for (const node of cluster.nodes) {
        await node.stop(how)
        const before = quiet.handledCount
        await until('others take over', () => quiet.handledCount > before + 3, 60_000)
        await node.start()
      }
      for (const traffic of [busy, quiet]) {
        await traffic.end()
        await until('all is handled', () => traffic.handledCount >= traffic.confirmed.length, 60_000)
        traffic.check()
      }
      expect(busy.confirmed.length).toBeGreaterThan(1_000)
    },
    240_000,
  )
})
