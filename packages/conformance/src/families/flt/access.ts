import { equal, ok } from 'node:assert/strict'
import type { MessagingEvent } from '@waybill/core'
import type { Behaviour } from '../../behaviour.ts'
import { item } from '../../item.ts'
import { wrapDriver } from '../../wrapped-driver.ts'
import { group } from './load.ts'

const watchedMs = 6_000

/** Who was let in is let in no more. */
export const access: readonly Behaviour[] = [
  {
    id: 'FLT-08',
    needs: { faults: ['revokeCredentials'] },
    deadlineMs: 60_000,
    async run(kit) {
      const { driver, revoke } = await kit.faults.revokeCredentials()
      const events: MessagingEvent[] = []
      let connects = 0
      const counted = wrapDriver(driver, { connect: (context) => (connects++, driver.connect(context)) })
      const orders = kit.channel([group])
      const messaging = await kit.connect({
        target: { connections: { main: counted }, channels: { '*': 'main' } },
        onEvent: (event) => void events.push(event),
      })
      const runs = kit.record(group)
      await messaging.consume(orders, { group }, runs.handler())
      await runs.untilDone([(await messaging.send(orders, item(0))).id])
      await revoke()
      await kit.eventually('it is noticed', () => messaging.health().status === 'down', kit.timings.recoverMs)
      const refused = await kit.expectRejection(
        ['unauthenticated', 'permissionDenied'],
        messaging.send(orders, item(1), { timeoutMs: 20_000 }),
        kit.timings.arriveMs + 5_000,
      )
      equal(refused.retryable, false, 'credentials do not come back by waiting')
      const before = connects
      await kit.sleep(watchedMs)
      const more = connects - before
      ok(more <= 2 * (watchedMs / 1_000), `${more} connections tried in ${watchedMs} ms: that is a spin`)
      const codes = new Set(
        events.filter(({ type }) => type === 'fault').map(({ error }) => (error as { code?: string }).code),
      )
      ok(codes.has('unauthenticated') || codes.has('permissionDenied'), `an operator is told: ${[...codes]}`)
      equal(runs.runs.length, 1)
      await kit.within('closing', messaging.close({ drainMs: 1_000 }))
    },
  },
]
