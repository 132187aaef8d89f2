import { describe, expect, test } from 'vitest'
import type { SendFailure } from '@waybill/core/driver'
import { accept, isSettled, open, release, sendOn, source, textOf, turn, wire } from './support.ts'

const kinds = (events: readonly { kind: string }[]) => events.map((event) => event.kind)
const outcomes = (results: readonly (SendFailure | undefined)[]) => results.map((each) => each?.outcome ?? 'confirmed')

describe('connections', () => {
  test('disconnect by role, and both are told once', async () => {
    const site = await open()
    site.broker.faults.disconnect({ role: 'send' })
    site.broker.faults.disconnect({ role: 'send' })
    await turn()
    expect(kinds(site.events)).toEqual(['lost'])
    expect(outcomes(await site.send(source, 'a'))).toEqual(['notSent'])
    site.broker.faults.disconnect()
    await turn()
    expect(kinds(site.events)).toEqual(['lost', 'lost'])
    await site.sender.close()
  })

  test('refused until let in', async () => {
    const site = await open()
    const lift = site.broker.faults.refuseConnections({ role: 'send' })
    await expect(site.connect('send')).rejects.toMatchObject({ code: 'unavailable' })
    await site.connect('receive')
    lift()
    await site.connect('send')
  })

  test('hanging until let in, or given up', async () => {
    const site = await open()
    const lift = site.broker.faults.hangConnections()
    const controller = new AbortController()
    const waiting = site.connect('send')
    const givenUp = site.connect('send', controller.signal)
    expect(await isSettled(waiting)).toBe(false)
    controller.abort()
    await expect(givenUp).rejects.toMatchObject({ code: 'aborted' })
    expect(await isSettled(waiting)).toBe(false)
    lift()
    await waiting
  })
})

describe('sends', () => {
  test.each([
    { when: 'before', point: 'send', outcome: ['confirmed', 'notSent', 'notSent'], stored: ['a'] },
    { when: 'after', point: 'send', outcome: ['confirmed', 'unknown', 'notSent'], stored: ['a', 'b'] },
    { when: 'before', point: 'confirm', outcome: ['confirmed', 'unknown', 'notSent'], stored: ['a', 'b'] },
    { when: 'after', point: 'confirm', outcome: ['confirmed', 'confirmed', 'notSent'], stored: ['a', 'b'] },
  ] as const)('cut $when $point of the second entry', async ({ when, point, outcome, stored }) => {
    const site = await open()
    if (when === 'before') site.broker.faults.crashBefore(point, { skip: 1 })
    else site.broker.faults.crashAfter(point, { skip: 1 })
    expect(outcomes(await site.send(source, 'a', 'b', 'c'))).toEqual(outcome)
    expect(site.broker.messages(source).map(textOf)).toEqual(stored)
    await turn()
    expect(kinds(site.events)).toEqual(['lost'])
  })

  test('failing: a number, those that match, with either outcome', async () => {
    const site = await open()
    const error = new Error('disk full')
    site.broker.faults.failSends({ count: 1, error })
    const lift = site.broker.faults.failSends({ when: (message) => textOf(message) === 'bad', outcome: 'unknown' })
    const results = await site.send(source, 'a', 'b', 'bad', 'c')
    expect(outcomes(results)).toEqual(['notSent', 'confirmed', 'unknown', 'confirmed'])
    expect(results[0]?.error).toBe(error)
    expect(site.broker.messages(source).map(textOf)).toEqual(['b', 'bad', 'c'])
    lift()
    expect(outcomes(await site.send(source, 'bad'))).toEqual(['confirmed'])
  })

  test('blocked: told, nothing stored, then all in order', async () => {
    const site = await open()
    site.broker.faults.block()
    await turn()
    expect(kinds(site.events)).toEqual(['blocked'])
    const first = site.send(source, 'a')
    const second = site.send(source, 'b')
    expect(await isSettled(first)).toBe(false)
    expect(site.broker.depth(source).ready).toBe(0)
    await site.connect('send')
    expect(kinds(site.events)).toEqual(['blocked', 'blocked'])
    site.broker.faults.unblock()
    expect(outcomes([...(await first), ...(await second)])).toEqual(['confirmed', 'confirmed'])
    expect(site.broker.messages(source).map(textOf)).toEqual(['a', 'b'])
    expect(kinds(site.events)).toEqual(['blocked', 'blocked', 'unblocked', 'unblocked'])
  })

  test('confirms held: stored at once, confirmed one by one, unknown when cut', async () => {
    const site = await open()
    site.broker.faults.delayConfirms(true)
    const answers: string[] = []
    site.sender.send(
      source,
      ['a', 'b', 'c'].map((text) => ({ message: wire(text) })),
      (index, failure) => {
        answers.push(`${index} ${failure?.outcome ?? 'confirmed'}`)
      },
    )
    expect(site.broker.depth(source).ready).toBe(3)
    expect(answers).toEqual([])
    expect(site.broker.faults.flushConfirms(1)).toBe(1)
    expect(answers).toEqual(['0 confirmed'])
    site.broker.faults.disconnect({ role: 'send' })
    expect(answers).toEqual(['0 confirmed', '1 unknown', '2 unknown'])
  })

  test('close flushes: it waits for confirms that are held', async () => {
    const site = await open()
    site.broker.faults.delayConfirms(true)
    const sent = site.send(source, 'a')
    const closed = site.sender.close()
    expect(await isSettled(closed)).toBe(false)
    site.broker.faults.delayConfirms(false)
    expect(outcomes(await sent)).toEqual(['confirmed'])
    await closed
  })

  test('more unfinished batches than declared are refused; so are two of one key where sends are serial', async () => {
    const site = await open({ profile: 'inPlace' })
    site.broker.faults.delayConfirms(true)
    const to = { channel: 'orders' }
    const keyed = (key: string) => sendOn(site.sender, to, [{ message: wire(key, { key }) }])
    const unfinished = [keyed('a'), keyed('b'), keyed('c')]
    expect((await keyed('a'))[0]).toMatchObject({ error: { code: 'internal' }, outcome: 'notSent' })
    unfinished.push(keyed('d'))
    expect((await keyed('e'))[0]).toMatchObject({ error: { code: 'internal' } })
    site.broker.faults.heal()
    expect(outcomes((await Promise.all(unfinished)).flat())).toEqual([
      'confirmed',
      'confirmed',
      'confirmed',
      'confirmed',
    ])
  })
})

describe('deliveries', () => {
  test.each(['before', 'after'] as const)('cut %s a delivery', async (when) => {
    const site = await open()
    await site.send(source, 'a', 'b')
    if (when === 'before') site.broker.faults.crashBefore('deliver', { skip: 1 })
    else site.broker.faults.crashAfter('deliver', { skip: 1 })
    const recorder = await site.listen()
    expect(recorder.texts()).toEqual(when === 'before' ? ['a'] : ['a', 'b'])
    expect(site.broker.depth(source)).toEqual({ ready: 2, unsettled: 0, delayed: 0 })
    expect(kinds(site.events)).toEqual(['lost'])
    const again = await site.listen({}, await site.connect('receive'))
    expect(again.texts()).toEqual(['a', 'b'])
  })

  test.each(['before', 'after'] as const)('cut %s a settlement', async (when) => {
    const site = await open()
    await site.send(source, 'a', 'b')
    const recorder = await site.listen()
    if (when === 'before') site.broker.faults.crashBefore('settle')
    else site.broker.faults.crashAfter('settle')
    await recorder.open[0]?.settle(accept)
    expect(kinds(site.events)).toEqual(['lost'])
    expect(site.broker.messages(source).map(textOf)).toEqual(when === 'before' ? ['a', 'b'] : ['b'])
    expect(site.broker.depth(source).unsettled).toBe(0)
  })

  test('a settlement that is lost is reported, and the message comes again', async () => {
    const site = await open()
    await site.send(source, 'a')
    const recorder = await site.listen()
    site.broker.faults.failSettlements(1)
    await recorder.open[0]?.settle(accept)
    expect(site.events).toMatchObject([{ kind: 'settleFailed', position: 'orders/billing@1' }])
    expect(recorder.texts()).toEqual(['a', 'a'])
    await recorder.open[0]?.settle(accept)
    expect(site.broker.depth(source)).toEqual({ ready: 0, unsettled: 0, delayed: 0 })
  })

  test('cancelled: ended, nothing more comes, what is out may be settled', async () => {
    const site = await open()
    await site.send(source, 'a')
    const recorder = await site.listen()
    const error = new Error('queue deleted')
    site.broker.faults.cancelListeners({}, error)
    expect(await recorder.listener.ended).toBe(error)
    await site.send(source, 'b')
    await recorder.open[0]?.settle(accept)
    expect(site.broker.messages(source).map(textOf)).toEqual(['b'])
    expect((await site.listen()).texts()).toEqual(['b'])
    await recorder.listener.drain()
  })

  test('recalled: nothing more comes before all is settled, then a new lease', async () => {
    const site = await open()
    await site.send(source, 'a', 'b')
    const recorder = await site.listen()
    const heard: string[] = []
    const lease = recorder.all[0]?.delivery.lease
    lease?.subscribe(() => heard.push(lease.state))
    site.broker.faults.recallLeases()
    expect(heard).toEqual(['recalled'])
    await recorder.open[0]?.settle(release)
    expect(recorder.texts()).toEqual(['a', 'b'])
    await recorder.open[0]?.settle(accept)
    expect(recorder.texts()).toEqual(['a', 'b', 'a'])
    expect(recorder.all[2]?.delivery.lease.state).toBe('held')
    expect(heard).toEqual(['recalled'])
  })

  test('lost leases: settling is void, others get the messages, and room comes back only when resolved', async () => {
    const site = await open()
    await site.send(source, 'a', 'b')
    const recorder = await site.listen({ maxInFlight: 2 })
    site.broker.faults.loseLeases()
    await turn()
    expect(recorder.all.map((held) => held.delivery.lease.state)).toEqual(['lost', 'lost'])
    expect(recorder.texts()).toEqual(['a', 'b'])
    await recorder.open[0]?.settle(accept)
    expect(recorder.texts()).toEqual(['a', 'b', 'a'])
    expect(recorder.all[2]?.delivery.lease.state).toBe('held')
  })

  test('listening and provisioning can be cut', async () => {
    const site = await open()
    site.broker.faults.crashAfter('listen')
    await expect(site.listen()).rejects.toMatchObject({ code: 'unavailable' })
    expect(site.broker.depth(source)).toEqual({ ready: 0, unsettled: 0, delayed: 0 })
    const connection = await site.connect('receive')
    site.broker.faults.crashBefore('provision')
    const topology = { channels: [{ name: 'new', keyed: false, groups: [] }] }
    await expect(connection.provision(topology, 'create')).rejects.toMatchObject({ code: 'unavailable' })
    expect(site.broker.entities()).not.toContain('new')
  })

  test('a group that is removed ends its listeners', async () => {
    const site = await open()
    const recorder = await site.listen()
    site.broker.remove('orders', 'billing')
    expect(await recorder.listener.ended).toMatchObject({ code: 'notFound' })
    expect((await site.send({ channel: 'orders' }, 'a'))[0]?.error).toMatchObject({ code: 'unroutable' })
  })
})

test('cut anywhere: whatever the point, every confirmed message is delivered', async () => {
  const points = ['send', 'confirm', 'deliver', 'settle'] as const
  for (const point of points) {
    for (const when of ['before', 'after'] as const) {
      for (let skip = 0; skip < 12; skip++) {
        const site = await open({ keyed: true })
        const { faults } = site.broker
        if (when === 'before') faults.crashBefore(point, { skip })
        else faults.crashAfter(point, { skip })
        const confirmed: string[] = []
        const accepted = new Set<string>()
        let sender = site.sender
        for (let next = 0; next < 12; ) {
          const text = String(next)
          const [failure] = await sendOn(sender, { channel: 'orders' }, [{ message: wire(text, { key: 'k' }) }])
          if (failure === undefined) confirmed.push(String(next++))
          else {
            sender = await site.connect('send')
          }
        }
        let recorder = await site.listen({ order: 'key', maxInFlight: 3 })
        for (let left = 60; left > 0 && site.broker.messages(source).length > 0; left--) {
          const held = recorder.open[0]
          if (held?.delivery.lease.state === 'held') {
            accepted.add(held.text)
            await held.settle(accept)
          } else recorder = await site.listen({ order: 'key', maxInFlight: 3 }, await site.connect('receive'))
        }
        expect([...accepted], `${when} ${point} ${skip}`).toEqual(confirmed)
      }
    }
  }
})
