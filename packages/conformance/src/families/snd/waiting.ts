import { deepEqual, equal, ok } from 'node:assert/strict'
import { getEventListeners } from 'node:events'
import type { Behaviour } from '../../behaviour.ts'
import { heldBytes } from '../../held-bytes.ts'
import { item, itemIn, items } from '../../item.ts'
import { monotonicMs } from '../../time.ts'
import { countSends, watchSends } from '../../wrapped-driver.ts'
import { blocking, boundsSilence, waitingBytes, windowMiB } from '../flt/silence.ts'

const group = 'billing'

/** A send that cannot finish now: given up, waiting for the broker, or held back. */
export const waiting: readonly Behaviour[] = [
  {
    id: 'SND-08',
    async run(kit) {
      const gate = kit.gate()
      let handed = 0
      const hold = watchSends((batch) => {
        handed += batch.length
        return handed === 1 ? gate.opened : undefined
      })
      const orders = kit.channel([group])
      const messaging = await kit.connect({ wrap: hold })
      await kit.expectRejection('aborted', messaging.send(orders, item(0), { signal: AbortSignal.abort() }))
      ok(handed === 0, 'an aborted send reaches nobody')
      const abort = new AbortController()
      const sending = kit.expectRejection('aborted', messaging.send(orders, item(1), { signal: abort.signal }))
      await kit.eventually('the send is in flight', () => handed === 1)
      abort.abort()
      await kit.within('the rejection', sending, kit.timings.toleranceMs)
      gate.open()
      await messaging.send(orders, item(2))
      const unused = new AbortController()
      const others = kit.channel([group])
      const many = items(20).map((each) => messaging.send(others, each, { signal: unused.signal }))
      await kit.within('sends with a signal, the channel not provisioned before', Promise.all(many))
      equal(getEventListeners(unused.signal, 'abort').length, 0, 'listeners left on a signal that was not used')
      const found = await kit.probe.extract({ channel: orders.name, group })
      const numbers = found.map(({ body }) => itemIn(body).n)
      ok(!numbers.includes(0), 'the send aborted before does not arrive')
      ok(numbers.includes(2), 'the send after it arrives; the one aborted in flight may')
    },
  },
  {
    id: 'SND-09',
    needs: { faults: ['cut'] },
    async run(kit) {
      const link = await kit.link()
      const orders = kit.channel([group])
      const messaging = await kit.connect({ link })
      await messaging.producer(orders)
      await link.sever()
      let resolved = false
      const patient = messaging.send(orders, item(0), { timeoutMs: 25_000 })
      void patient.then(
        () => {
          resolved = true
        },
        () => {},
      )
      const startedAt = monotonicMs()
      await kit.expectRejection('timeout', messaging.send(orders, item(1), { timeoutMs: 1_000 }))
      const tookMs = monotonicMs() - startedAt
      ok(tookMs >= 990 && tookMs <= 1_000 + kit.timings.toleranceMs, `rejected at its deadline, after ${tookMs} ms`)
      ok(!resolved, 'nothing resolves while the broker is away')
      await link.restore()
      const { id } = await kit.within('the send after recovery', patient, kit.timings.recoverMs)
      const found = await kit.probe.extract({ channel: orders.name, group })
      deepEqual([...new Set(found.map(({ attributes }) => attributes.id))], [id])
    },
  },
  {
    id: 'SND-11',
    tags: ['long'],
    needs: { capability: blocking, faults: ['block'] },
    async run(kit) {
      const orders = kit.channel([group])
      const counter = countSends()
      const messaging = await kit.connect({ wrap: counter.wrap })
      await messaging.send(orders, item(0))
      const count = kit.size('sends', { reduced: 20_000, full: 100_000 })
      const data = item(0, { text: 'x'.repeat(8_000) })
      await kit.faults.block()
      // A broker may tell a connection that it blocks no sooner than something is sent on it.
      const scout = Promise.allSettled([messaging.send(orders, item(0), { timeoutMs: 3_000 })])
      await kit.sleep(kit.timings.quietMs)
      const { handed } = counter
      const before = heldBytes()
      const sends = Array.from({ length: count }, () => messaging.send(orders, data, { timeoutMs: 3_000 }))
      const outcome = Promise.allSettled(sends)
      await kit.sleep(1_000)
      const grownMiB = (heldBytes() - before) / 2 ** 20
      const mostMiB = 2 * windowMiB + (count * waitingBytes) / 2 ** 20
      ok(grownMiB <= mostMiB, `${count} sends hold ${grownMiB.toFixed(1)} MiB while the broker blocks, over ${mostMiB}`)
      equal(counter.handed, handed, 'nothing is handed to a driver whose broker blocks')
      await kit.within('the deadline of the sends', Promise.all([scout, outcome]), 3_000 + kit.timings.arriveMs)
      await kit.faults.unblock()
      await kit.within('the first send after unblocking', messaging.send(orders, item(0)), kit.timings.recoverMs)
    },
    refusal: boundsSilence,
  },
]
