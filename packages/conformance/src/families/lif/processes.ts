import { deepEqual, equal, ok } from 'node:assert/strict'
import type { Behaviour } from '../../behaviour.ts'
import { startChild } from '../../child-process.ts'
import { items, sendItems } from '../../item.ts'
import { monotonicMs } from '../../time.ts'

const group = 'billing'
const drainMs = 5_000

/** A whole process that is told to end. */
export const processes: readonly Behaviour[] = [
  {
    id: 'LIF-12',
    tags: ['long'],
    needs: { faults: ['process'] },
    deadlineMs: 60_000,
    async run(kit) {
      const count = kit.size('messages', { reduced: 600, full: 20_000 })
      const [incoming, outgoing] = [kit.channel([group]), kit.channel([group])]
      const sender = await kit.connect()
      await sender.producer(outgoing)
      const ids = await sendItems(sender, incoming, items(count))
      const relay = { url: kit.harness.url, from: incoming.name, to: outgoing.name, group }
      const child = startChild(kit, 'relay', { ...relay, concurrency: 16, workMs: 20, drainMs })
      const handled = (): string[] =>
        child.lines.flatMap((line) => (line.startsWith('handled ') ? [line.slice(8)] : []))
      await kit.eventually('the process is under load', () => handled().length >= count / 6, 60_000)
      const toldAt = monotonicMs()
      child.signal('SIGTERM')
      const { code, signal, atMs } = await kit.within('the exit', child.exited, drainMs + kit.timings.toleranceMs)
      deepEqual({ code, signal }, { code: 0, signal: null }, child.complaints)
      ok(atMs - toldAt <= drainMs, `it exited by itself after ${Math.round(atMs - toldAt)} ms of ${drainMs} ms`)
      equal(child.lines.at(-1), 'closed', 'nothing is handled after close resolved')
      const before = handled()
      ok(before.length < count, `it ended in the middle: ${before.length} of ${count}`)
      const rest = kit.record('after')
      await sender.consume(
        incoming,
        { group, concurrency: 64 },
        rest.handler(async (data, { message, send }) => {
          await send(outgoing, data as never, { id: message.id })
        }),
      )
      const missing = ids.filter((id) => !before.includes(id))
      await rest.untilDone(missing, 60_000)
      rest.expectOnce(missing)
      const passedOn = await kit.probe.extract({ channel: outgoing.name, group })
      deepEqual(passedOn.map(({ attributes }) => attributes.id).sort(), [...ids].sort(), 'what was passed on, by both')
    },
  },
]
