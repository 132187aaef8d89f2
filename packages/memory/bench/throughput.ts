import {
  systemRuntime,
  type Delivery,
  type DriverContext,
  type Settlement,
  type WireMessage,
} from '@waybill/core/driver'
import { memory } from '../src/index.ts'

/** What the driver alone does per second: one process, one group, bodies of 100 bytes. */
const accept: Settlement = { kind: 'accept' }
const accepted = Promise.resolve(accept)
const body = new Uint8Array(100)
const none = Object.freeze(Object.create(null) as Record<string, string>)
const source = { channel: 'bench', group: 'all' }

function message(key?: string): WireMessage {
  const text = 'application/json'
  const time = '2025-01-01T00:00:00Z'
  return {
    id: 'id',
    source: '/bench',
    type: 'bench',
    time,
    contentType: text,
    extensions: none,
    key,
    headers: none,
    body,
  }
}

async function open(keyed: boolean) {
  const driver = memory()
  const context = (role: 'send' | 'receive'): DriverContext => ({
    role,
    instance: 'bench',
    ...systemRuntime,
    logger: { warn: () => {} },
    signal: new AbortController().signal,
    report: () => {},
  })
  const [sender, receiver] = await Promise.all([driver.connect(context('send')), driver.connect(context('receive'))])
  const groups = [{ name: 'all', delaysMs: [] }]
  await receiver.provision({ channels: [{ name: 'bench', keyed, groups }] }, 'create')
  return { sender, receiver }
}

interface Run {
  readonly total: number
  readonly batch: number
  readonly keyed?: boolean
  readonly backlog?: number
}

async function run(name: string, { total, batch, keyed = false, backlog = 0 }: Run): Promise<void> {
  const { sender, receiver } = await open(keyed)
  const keys = Array.from({ length: 1000 }, (_, index) => `key-${index}`)
  let sent = 0
  let received = 0
  let confirmed = 0
  let whenDone = () => {}
  let whenMore = () => {}
  const done = () => void confirmed++
  const send = () => {
    const entries = []
    for (let index = 0; index < batch; index++)
      entries.push({ message: message(keyed ? keys[(sent + index) % 1000] : undefined) })
    sent += batch
    sender.send({ channel: 'bench' }, entries, done)
  }
  const onDelivery = (_: Delivery) => {
    if (++received === total) whenDone()
    else if (sent - received <= backlog) whenMore()
    return accepted
  }
  const order = keyed ? 'key' : 'none'
  const heapBefore = heap()
  const cpuBefore = process.cpuUsage()
  const startedAt = performance.now()
  while (sent < Math.min(backlog, total)) send()
  const sendMs = performance.now() - startedAt
  await receiver.listen({ source, order, maxInFlight: 256 }, onDelivery)
  while (sent < total) {
    send()
    if (sent - received > backlog + 1024) await new Promise<void>((resolve) => (whenMore = resolve))
  }
  if (received < total) await new Promise<void>((resolve) => (whenDone = resolve))
  const ms = performance.now() - startedAt
  const cpu = process.cpuUsage(cpuBefore)
  const rate = Math.round((total / ms) * 1000).toLocaleString('en')
  const sendUs = backlog > 0 ? `, send alone ${((sendMs * 1000) / Math.min(backlog, total)).toFixed(2)} µs` : ''
  const cpuUs = ((cpu.user + cpu.system) / total).toFixed(2)
  const each = `${((ms * 1000) / total).toFixed(2)} µs each (CPU ${cpuUs} µs)`
  console.log(`${name}: ${rate} messages/s, ${each}${sendUs}, heap ${growth(heapBefore)}`)
  if (confirmed !== sent) throw new Error(`confirmed ${confirmed} of ${total}`)
  await sender.close()
  await receiver.close()
}

function heap(): number {
  globalThis.gc?.()
  return process.memoryUsage().heapUsed
}

function growth(before: number): string {
  return `${((heap() - before) / 1_048_576).toFixed(1)} MiB more`
}

const total = Number(process.argv[2] ?? 2_000_000)
await run('warm-up', { total: 500_000, batch: 64 })
await run('one by one', { total, batch: 1 })
await run('batches of 64', { total, batch: 64 })
await run('keyed, batches of 64', { total, batch: 64, keyed: true })
for (const backlog of [10_000, 100_000]) await run(`backlog of ${backlog}`, { total, batch: 64, backlog })
await run('backlog of 1,000,000', { total, batch: 64, backlog: 1_000_000 })
await run('keyed, backlog of 1,000,000', { total, batch: 64, backlog: 1_000_000, keyed: true })
await run('ten million', { total: total * 5, batch: 64 })
