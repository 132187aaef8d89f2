import { equal, ok } from 'node:assert/strict'
import type { Driver } from '@waybill/core'
import type { Behaviour } from '../../behaviour.ts'
import { item } from '../../item.ts'
import type { Kit, KitConnectOptions } from '../../kit.ts'
import { monotonicMs } from '../../time.ts'
import { wrapDriver } from '../../wrapped-driver.ts'

const group = 'billing'

/** The first connection: given up, or waited for. */
export const connecting: readonly Behaviour[] = [
  {
    id: 'LIF-09',
    async run(kit) {
      let tries = 0
      const counting = { wrap: countConnects(() => tries++) }
      await kit.expectRejection('aborted', kit.connect({ ...counting, signal: AbortSignal.abort() }))
      equal(tries, 0, 'connections tried for a signal that had aborted')
      const abort = new AbortController()
      const stuck = kit.connect({
        signal: abort.signal,
        wrap: (driver) => wrapDriver(driver, { connect: () => (tries++, new Promise<never>(() => {})) }),
      })
      const rejected = kit.expectRejection('aborted', stuck)
      await kit.eventually('it is connecting', () => tries > 0)
      abort.abort()
      await kit.within('the rejection', rejected, kit.timings.toleranceMs)
    },
  },
  {
    id: 'LIF-09',
    part: 'waiting for a late broker',
    needs: { faults: ['cut'] },
    async run(kit) {
      const link = await kit.link()
      await link.sever()
      // By then it tries about once in two seconds: waiting for the next try would be too late.
      await abortWhileConnecting(kit, { link, waitForBrokerMs: 60_000 }, 2_500)
    },
  },
  {
    id: 'LIF-09',
    part: 'broker silent',
    needs: { faults: ['blackhole'] },
    async run(kit) {
      const link = await kit.link()
      await link.blackhole()
      await abortWhileConnecting(kit, { link })
    },
  },
  {
    id: 'LIF-10',
    needs: { faults: ['cut'] },
    async run(kit) {
      const link = await kit.link()
      await link.sever()
      const startedAt = monotonicMs()
      await kit.expectRejection('unavailable', kit.connect({ link }))
      ok(monotonicMs() - startedAt <= kit.timings.arriveMs, 'without being told so it does not wait')
      const waitedFrom = monotonicMs()
      await kit.expectRejection('unavailable', kit.connect({ link, waitForBrokerMs: 700 }))
      const waitedMs = monotonicMs() - waitedFrom
      ok(waitedMs >= 690 && waitedMs <= 700 + kit.timings.toleranceMs, `told to wait 700 ms, it waited ${waitedMs} ms`)
      let connected = false
      const patient = kit.connect({ link, waitForBrokerMs: 30_000 }).finally(() => (connected = true))
      await kit.sleep(500)
      ok(!connected, 'it waits while the broker is away')
      await link.restore()
      const messaging = await kit.within('the connection', patient, kit.timings.recoverMs)
      const orders = kit.channel([group])
      await messaging.send(orders, item())
      equal(await kit.probe.depth({ channel: orders.name, group }), 1)
      equal(messaging.health().status, 'up')
    },
  },
]

function countConnects(count: () => void): (driver: Driver) => Driver {
  return (driver) =>
    wrapDriver(driver, {
      connect: (context) => {
        count()
        return driver.connect(context)
      },
    })
}

async function abortWhileConnecting(kit: Kit, options: KitConnectOptions, afterMs = 300): Promise<void> {
  const abort = new AbortController()
  let isOver = false
  const rejected = kit
    .expectRejection('aborted', kit.connect({ ...options, signal: abort.signal }), afterMs + kit.timings.arriveMs)
    .finally(() => (isOver = true))
  await kit.sleep(afterMs)
  ok(!isOver, 'it is still trying')
  abort.abort()
  await kit.within('the rejection', rejected, kit.timings.toleranceMs)
}
