import { deepEqual, equal, ok } from 'node:assert/strict'
import { MessagingError, type ErrorCode } from '@waybill/core'
import type { Behaviour } from '../../behaviour.ts'
import { item, type Item } from '../../item.ts'
import type { Kit } from '../../kit.ts'
import { wrapConnection, wrapConnections } from '../../wrapped-driver.ts'
import { group } from './load.ts'
import { refusesRetries, retries } from '../rty/letters.ts'

/** Somebody deletes what a running program uses. */
export const topology: readonly Behaviour[] = [
  {
    id: 'FLT-07',
    needs: { capability: retries, faults: ['deleteTopology'] },
    deadlineMs: 60_000,
    run: (kit) => rebuild(kit, (channel) => kit.faults.deleteTopology({ channel, group })),
    refusal: refusesRetries,
  },
  {
    id: 'FLT-07',
    part: 'a whole channel',
    needs: { capability: retries, faults: ['deleteTopology'] },
    deadlineMs: 60_000,
    run: (kit) => rebuild(kit, (channel) => kit.faults.deleteTopology({ channel })),
    refusal: refusesRetries,
  },
  {
    id: 'FLT-07',
    part: 'of one who only sends',
    needs: { faults: ['deleteTopology'] },
    async run(kit) {
      const orders = kit.channel([group])
      const messaging = await kit.connect()
      await messaging.send(orders, item(1))
      await kit.faults.deleteTopology({ channel: orders.name })
      let sent: string | undefined
      const works = async (): Promise<boolean> => {
        const sending = messaging.send(orders, item(2), { timeoutMs: 2_000 })
        const outcome = await sending.catch((error: unknown) => error as MessagingError)
        if (outcome instanceof Error) ok(typed.includes(outcome.code), `typed: ${outcome.code} ${outcome.message}`)
        else sent = outcome.id
        return sent !== undefined
      }
      await kit.eventually('a send is taken again', works, kit.timings.recoverMs)
      const found = await kit.probe.extract({ channel: orders.name, group })
      deepEqual(
        found.map(({ attributes }) => attributes.id),
        [sent],
        'and it is there, those refused are not',
      )
    },
  },
]

/** What a send may say while something is missing. */
const typed: readonly ErrorCode[] = ['notFound', 'unroutable', 'failedPrecondition', 'unavailable', 'timeout']

async function rebuild(kit: Kit, remove: (channel: string) => Promise<void>): Promise<void> {
  const calls = { provision: 0, listen: 0, connect: 0 }
  const orders = kit.channel([group])
  const messaging = await kit.connect({
    wrap: (driver) =>
      wrapConnections(driver, (connection) => {
        calls.connect++
        return wrapConnection(connection, {
          provision: (topology, mode) => (calls.provision++, connection.provision(topology, mode)),
          listen: (request, onDelivery) => (calls.listen++, connection.listen(request, onDelivery)),
        })
      }),
  })
  const runs = kit.record<Item>(group)
  const handler = runs.handler(async ({ n }) => {
    if (n === 13) throw new Error('planted')
  })
  await messaging.consume(orders, { group, retry: { maxAttempts: 2, delaysMs: [100] } }, handler)
  await runs.untilDone([(await messaging.send(orders, item(1))).id])
  const bystander = kit.channel([group])
  const others = kit.record('bystander')
  await messaging.consume(bystander, { group }, others.handler())
  const before = { ...calls }
  await remove(orders.name)
  const codes = new Set<ErrorCode>()
  const works = async (): Promise<boolean> => {
    try {
      const { id } = await messaging.send(orders, item(2), { timeoutMs: 2_000 })
      return await runs.untilDone([id], 1_000).then(
        () => true,
        () => false,
      )
    } catch (error) {
      if (!MessagingError.is(error)) throw error
      codes.add(error.code)
      return false
    }
  }
  await kit.eventually('what is sent is handled again', works, kit.timings.recoverMs)
  kit.log.note('rebuilt', { codes: [...codes], calls })
  ok(
    [...codes].every((code) => typed.includes(code)),
    `codes of the sends meanwhile: ${[...codes].join()}`,
  )
  const [bad, other] = [await messaging.send(orders, item(13)), await messaging.send(bystander, item())]
  await others.untilDone([other.id])
  const isDead = async (): Promise<boolean> => (await kit.probe.readDeadLetters(orders.name, group)).length > 0
  await kit.eventually('retries and dead letters work again', isDead)
  deepEqual(runs.attemptsOf(bad.id), [1, 2])
  const rebuilt = { ...calls }
  await kit.sleep(kit.timings.quietMs * 2)
  deepEqual(calls, rebuilt, 'calls of the driver once all is well: that is a spin')
  ok(calls.provision - before.provision <= 20, `provisioned ${calls.provision - before.provision} times`)
  ok(calls.listen - before.listen <= 20, `listened ${calls.listen - before.listen} times`)
  equal(messaging.health().status, 'up')
}
