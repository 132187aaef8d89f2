import { deepEqual, equal, ok } from 'node:assert/strict'
import type { Behaviour } from '../../behaviour.ts'
import { startChild } from '../../child-process.ts'
import { item, itemIn } from '../../item.ts'
import { MessageLedger } from '../../message-ledger.ts'
import { monotonicMs } from '../../time.ts'

const group = 'billing'
const drainMs = 5_000
const atOnce = 3
const latestMs = 600
/**
 * So many wait that each process is under load from its first moment; what those that still run have handled is told at
 * their end, and counts as waiting.
 */
const backlog = 2_000
const piece = 100

/** Processes told to end at any moment, one after the other and several at a time, while messages go on coming. */
export const terminations: readonly Behaviour[] = [
  {
    id: 'LIF-12',
    part: 'at random moments',
    tags: ['long'],
    needs: { faults: ['process'] },
    deadlineMs: 90_000,
    async run(kit) {
      const times = kit.size('moments', { reduced: 6, full: 500 })
      const [incoming, outgoing] = [kit.channel([group]), kit.channel([group])]
      const sender = await kit.connect()
      await sender.producer(outgoing)
      await sender.producer(incoming)
      const ledger = new MessageLedger()
      const relay = { url: kit.harness.url, from: incoming.name, to: outgoing.name, group }
      let left = times
      let slowestMs = 0
      const terminate = async (): Promise<void> => {
        while (left > 0 && !kit.signal.aborted) {
          kit.step(`${left--} of ${times} terminations left, ${ledger.handledMessages} messages passed on`)
          const child = startChild(kit, 'relay', { ...relay, concurrency: 16, workMs: 20, drainMs })
          await kit.eventually('the process is ready', () => child.lines.includes('ready'), 30_000)
          await kit.sleep(Math.random() * latestMs)
          const toldAt = monotonicMs()
          child.signal('SIGTERM')
          const { code, signal, atMs } = await kit.within('the exit', child.exited, drainMs + kit.timings.toleranceMs)
          slowestMs = Math.max(slowestMs, atMs - toldAt)
          deepEqual({ code, signal }, { code: 0, signal: null }, child.complaints)
          equal(child.lines.at(-1), 'closed', 'something is handled after close resolved')
          for (const line of child.lines) if (line.startsWith('handled ')) ledger.handled(line.slice('handled '.length))
        }
      }
      const publish = async (): Promise<void> => {
        let next = 0
        const send = (n: number) =>
          ledger.send(`${kit.nonce}-${n}`, (id) => sender.send(incoming, item(n), { id, timeoutMs: 30_000 }))
        while (left > 0 && !kit.signal.aborted) {
          const waiting = ledger.acknowledged.size - ledger.handledMessages
          for (let more = backlog - waiting; more > 0; more -= piece) {
            await Promise.all(Array.from({ length: piece }, () => send(next++)))
          }
          await kit.sleep(20)
        }
      }
      await Promise.all([publish(), ...Array.from({ length: Math.min(atOnce, times) }, terminate)])
      await sender.consume(incoming, { group, concurrency: 64 }, async (data, { message, send }) => {
        await send(outgoing, data, { id: message.id })
        ledger.handled(message.id)
      })
      await kit.eventually('the rest is handled', () => ledger.open.length === 0, 60_000)
      ledger.expectWhole()
      const passedOn = await kit.probe.extract({ channel: outgoing.name, group })
      const numbers = passedOn.map(({ body }) => itemIn(body).n).sort((a, b) => a - b)
      kit.account(ledger.account, { terminations: times, slowestExitMs: Math.round(slowestMs) })
      deepEqual(
        numbers,
        Array.from({ length: ledger.acknowledged.size }, (_, n) => n),
        'what was passed on: each once',
      )
      equal(ledger.duplicated.length, 0, 'handled twice')
      ok(slowestMs <= drainMs, `the slowest exit took ${slowestMs} ms of ${drainMs} ms`)
    },
  },
]
