import { deepEqual, equal } from 'node:assert/strict'
import { exponential } from '@waybill/core'
import { ManualClock, systemRandom, type Driver, type Outgoing } from '@waybill/core/driver'
import type { Behaviour } from '../../behaviour.ts'
import type { DeliveryRecord } from '../../delivery-record.ts'
import { item, type Item, type ItemChannel } from '../../item.ts'
import type { Kit } from '../../kit.ts'
import { wrapConnection, wrapConnections } from '../../wrapped-driver.ts'
import { granularityMs, ordered, refusesOrder, refusesRetries, retries } from './letters.ts'

const group = 'billing'
const retry = exponential({ maxAttempts: 6, initialDelayMs: 40, maxDelayMs: 300 })
const scheduleMs = [40, 80, 160, 300, 300]

/** The delays that the policy says and no others: with a clock that only the case moves. */
export const schedule: readonly Behaviour[] = [
  {
    id: 'RTY-10',
    needs: { capability: retries },
    async run(kit) {
      const turns = new Turns(kit)
      const { clock } = turns
      const asked: number[] = []
      const orders = kit.channel([group])
      const runs = await failing(turns, orders, (driver) => noteDelays(driver, clock, asked))
      for (const [index, delayMs] of scheduleMs.entries()) {
        await turns.until(`delay ${index + 1} asked for`, () => asked.length > index)
        await turns.until(`run ${index + 1} is over`, () => runs.runs.at(-1)?.endedAt !== undefined)
        equal(runs.runs.length, index + 1)
        clock.advance(Math.max(delayMs, granularityMs(kit.capabilities)))
        await turns.until(`run ${index + 2}`, () => runs.runs.length > index + 1)
      }
      await turns.until('the dead letter', async () => (await kit.probe.readDeadLetters(orders.name, group)).length > 0)
      deepEqual(asked, scheduleMs)
      deepEqual(
        runs.runs.map(({ attempt }) => attempt),
        [1, 2, 3, 4, 5, 6],
      )
    },
    refusal: refusesRetries,
  },
  {
    id: 'RTY-10',
    part: 'held for their order',
    needs: { capability: ordered },
    async run(kit) {
      const turns = new Turns(kit)
      const { clock } = turns
      const orders = kit.channel([group], { ordering: 'key' })
      const runs = await failing(turns, orders)
      for (const [index, delayMs] of scheduleMs.entries()) {
        await turns.until(`run ${index + 1} is over`, () => runs.runs[index]?.endedAt !== undefined)
        await kit.sleep(20)
        clock.advance(delayMs - 1)
        await kit.sleep(20)
        equal(runs.runs.length, index + 1, `run ${index + 2} is early`)
        clock.advance(1)
        await turns.until(`run ${index + 2}`, () => runs.runs.length > index + 1)
      }
      await turns.until('the dead letter', async () => (await kit.probe.readDeadLetters(orders.name, group)).length > 0)
      equal(runs.runs.length, 6)
    },
    refusal: refusesOrder,
  },
]

/** A clock that stands still unless the case moves it, and turns over what is due now. */
class Turns {
  readonly clock = new ManualClock()
  readonly kit: Kit

  constructor(kit: Kit) {
    this.kit = kit
  }

  async until(what: string, look: () => boolean | Promise<boolean>): Promise<void> {
    await this.kit.eventually(what, () => {
      this.clock.advance(0)
      return look()
    })
  }

  /** Not by the kit's own wait, which ends with the case: closing comes after that. */
  async settled(what: string, promise: Promise<unknown>): Promise<void> {
    let isSettled = false
    const settle = (): void => {
      isSettled = true
    }
    promise.then(settle, settle)
    while (!isSettled) {
      this.clock.advance(0)
      await new Promise((resolve) => setImmediate(resolve))
    }
    await this.kit.within(what, promise)
  }
}

/** A consumer to which one message was sent, every run of which fails. */
async function failing(
  turns: Turns,
  orders: ItemChannel<'billing'>,
  wrap = (driver: Driver): Driver => driver,
): Promise<DeliveryRecord<Item>> {
  const { kit, clock } = turns
  const messaging = await kit.connect({ runtime: { clock, random: systemRandom }, wrap })
  kit.defer(() => turns.settled('close', messaging.close({ drainMs: 1_000 })))
  const runs = kit.record<Item>(group)
  const fail = async (): Promise<void> => {
    throw new Error('planted')
  }
  await turns.settled('consume', messaging.consume(orders, { group, retry }, runs.handler(fail)))
  await turns.settled('send', messaging.send(orders, item()))
  return runs
}

/** In whatever way this driver is asked to delay: by a copy, a lane, a settlement. */
function noteDelays(driver: Driver, clock: ManualClock, asked: number[]): Driver {
  const delayOf = ({ message, delayMs = 0 }: Outgoing): number => {
    const due = message.headers['waybill-due']
    return due === undefined ? delayMs : Number(due) - clock.now()
  }
  return wrapConnections(driver, (connection) =>
    wrapConnection(connection, {
      send(to, batch, done) {
        if (to.group !== undefined && to.lane !== 'dead') asked.push(...batch.map(delayOf))
        connection.send(to, batch, done)
      },
      listen: (request, onDelivery) =>
        connection.listen(request, async (delivery) => {
          const settlement = await onDelivery(delivery)
          if (settlement.kind === 'retry') asked.push(settlement.delayMs)
          return settlement
        }),
    }),
  )
}
