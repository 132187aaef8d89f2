import { deepEqual } from 'node:assert/strict'
import type { Behaviour } from '../../behaviour.ts'
import { item, itemChannel, items, sendItems } from '../../item.ts'
import type { ProbeMessage } from '../../probe.ts'
import { watchSends } from '../../wrapped-driver.ts'

const group = 'billing'
const idOf = ({ attributes }: ProbeMessage): string | undefined => attributes.id

/** A send that has resolved is a message the broker has. */
export const confirms: readonly Behaviour[] = [
  {
    id: 'SND-01',
    async run(kit) {
      const orders = kit.channel([group])
      const messaging = await kit.connect()
      for (const each of items(20)) {
        const { id } = await messaging.send(orders, each)
        const found = await kit.probe.extract({ channel: orders.name, group })
        deepEqual(found.map(idOf), [id], 'what the broker has as soon as send resolves')
      }
    },
  },
  {
    id: 'SND-01',
    part: 'after a kill',
    needs: { faults: ['kill'] },
    deadlineMs: 90_000,
    async run(kit) {
      const orders = kit.channel([group])
      const messaging = await kit.connect()
      const ids = await sendItems(messaging, orders, items(100))
      await kit.faults.kill()
      const found: ProbeMessage[] = []
      const all = async (): Promise<boolean> => {
        found.push(...(await kit.probe.extract({ channel: orders.name, group })))
        return found.length >= ids.length
      }
      await kit.eventually('the confirmed messages survive the kill', all, kit.timings.recoverMs)
      deepEqual(found.map(idOf).sort(), [...ids].sort())
    },
  },
  {
    id: 'SND-02',
    needs: { faults: ['refuseSends'] },
    async run(kit) {
      const orders = kit.channel([group])
      const messaging = await kit.connect()
      const before = await messaging.send(orders, item(0))
      const allow = await kit.faults.refuseSends({ channel: orders.name, group })
      const timeoutMs = 1_000
      const sending = messaging.send(orders, item(1), { timeoutMs })
      const codes = ['unavailable', 'timeout', 'failedPrecondition', 'permissionDenied'] as const
      await kit.expectRejection(codes, sending, timeoutMs + kit.timings.toleranceMs)
      await allow()
      const after = await messaging.send(orders, item(2))
      const found = await kit.probe.extract({ channel: orders.name, group })
      deepEqual(found.map(idOf), [before.id, after.id], 'a refused message is not there')
    },
  },
  {
    id: 'SND-03',
    needs: {
      capability: { name: 'send.detectsUnroutable', declared: ({ send }) => send.detectsUnroutable },
    },
    async run(kit) {
      const name = kit.name('items')
      await (await kit.connect()).producer(itemChannel(name, []))
      const trusting = await kit.connect({ channels: { [name]: { provision: 'none' } } })
      const sending = trusting.send(itemChannel(name, [group]), item())
      await kit.expectRejection('unroutable', sending)
    },
    /** Where a send cannot tell, the check at startup has to. */
    async refusal(kit) {
      const orders = kit.channel([group])
      const messaging = await kit.connect({ channels: { [orders.name]: { provision: 'verify' } } })
      await kit.expectRejection('notFound', messaging.producer(orders))
    },
  },
  {
    id: 'SND-14',
    async run(kit) {
      const gate = kit.gate()
      const orders = kit.channel([group])
      const messaging = await kit.connect({ wrap: watchSends(() => gate.opened) })
      await messaging.producer(orders)
      const sending = sendItems(messaging, orders, items(3_000))
      const closing = messaging.close()
      await kit.expectRejection('closed', messaging.send(orders, item()))
      gate.open()
      await kit.within('close', closing, kit.timings.recoverMs)
      const ids = await kit.within('sends after close', sending)
      const found = await kit.probe.extract({ channel: orders.name, group })
      deepEqual(found.map(idOf).sort(), [...ids].sort())
    },
  },
]
