import { deepEqual, equal, ok } from 'node:assert/strict'
import type { Behaviour } from '../../behaviour.ts'
import { item, type Item, type ItemChannel } from '../../item.ts'
import type { DeliveryRecord } from '../../delivery-record.ts'
import type { Kit } from '../../kit.ts'
import { idOf, recordOn, untilDeadLetters } from './letters.ts'

const group = 'billing'
const once = { maxAttempts: 1, delaysMs: [] }

/** A message on which every process dies, so that nobody ever gets to count a failure. */
export const backstop: readonly Behaviour[] = [
  {
    id: 'RTY-11',
    needs: {
      faults: ['cut', 'backstop'],
      capability: { name: 'deliveries', declared: ({ deliveries }) => deliveries !== 'none' },
    },
    deadlineMs: 120_000,
    async run(kit) {
      const { deliveries, options: driverOptions } = kit.faults.backstop
      const orders = kit.channel([group])
      const at = { channel: orders.name, group }
      const steady = await kit.connect({ driverOptions })
      const { id } = await steady.send(orders, item(), { headers: { mine: 'kept' } })
      const runs = kit.record<Item>(group)
      const isGivenUp = async (): Promise<boolean> => (await kit.probe.readDeadLetters(orders.name, group)).length > 0
      let deaths = 0
      while (deaths < deliveries + 1 && !(await isGivenUp())) {
        ok(await dieOnce(kit, { orders, runs, driverOptions, isOver: isGivenUp }), `death ${deaths + 1}`)
        deaths = runs.runs.length
      }
      const [letter] = await untilDeadLetters(kit, at, 1, kit.timings.leaseMs + kit.timings.arriveMs)
      ok(deaths >= deliveries - 1 && deaths <= deliveries + 1, `given up after ${deaths} deaths`)
      ok(letter)
      deepEqual([idOf(letter), letter.headers.mine, recordOn(letter)], [id, 'kept', {}], 'there is no record to have')
      await steady.consume(orders, { group, retry: once }, runs.handler(undefined, 'steady'))
      await kit.quiet('nobody gets it any more', {
        watch: () => runs.runs.length,
        async control() {
          const { redriven } = await steady.deadLetters(orders, group).redrive({ ids: [id] })
          equal(redriven, 1)
          await runs.untilDone([id])
        },
      })
    },
    /** No count, no backstop: then it comes for ever, and is not given up without a failing run. */
    async refusal(kit) {
      const orders = kit.channel([group])
      const steady = await kit.connect()
      const { id } = await steady.send(orders, item())
      const runs = kit.record<Item>(group)
      for (let deaths = 0; deaths < 5; deaths++)
        ok(await dieOnce(kit, { orders, runs, driverOptions: {}, isOver: async () => false }))
      deepEqual(await kit.probe.readDeadLetters(orders.name, group), [])
      await steady.consume(orders, { group, retry: once }, runs.handler(undefined, 'steady'))
      await runs.untilDone([id], kit.timings.leaseMs + kit.timings.arriveMs)
    },
  },
]

interface Death {
  readonly orders: ItemChannel<'billing'>
  readonly runs: DeliveryRecord<Item>
  readonly driverOptions: { readonly [option: string]: unknown }
  readonly isOver: () => Promise<boolean>
}

/** A process of its own gets the message and is gone. False: neither that nor `isOver` came. */
async function dieOnce(kit: Kit, { orders, runs, driverOptions, isOver }: Death): Promise<boolean> {
  const before = runs.runs.length
  const link = await kit.link()
  const dying = await kit.connect({ link, driverOptions })
  const hang = runs.handler(() => kit.gate().opened, `${before + 1}`)
  await dying.consume(orders, { group, retry: once, concurrency: 1 }, hang)
  const patienceMs = kit.timings.leaseMs + kit.timings.arriveMs
  const came = await kit.eventually(
    'a delivery, or the end',
    async () => {
      if (runs.runs.length > before) return 'delivered'
      return (await isOver()) && 'over'
    },
    patienceMs,
  )
  await link.sever()
  return came !== undefined
}
