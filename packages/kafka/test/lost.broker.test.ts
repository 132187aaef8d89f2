import { afterAll, describe, expect, it } from 'vitest'
import { sleep } from '@waybill/conformance'
import { freshName, numbered, receive, send, topologyOf, until } from '@waybill/conformance/bench'
import { Bench, brokerUrl } from './kafka-bench.ts'
import { SilentProxy } from './silent-proxy.ts'

const sessionTimeoutMs = 20_000
const bench = new Bench({ sessionTimeoutMs })
const proxies: SilentProxy[] = []
afterAll(async () => {
  await bench.close()
  for (const proxy of proxies) proxy.close()
})

describe('a member whose connection was lost', () => {
  it('is not waited for by its group once it connects again', async () => {
    const name = freshName()
    const proxy = await SilentProxy.open(brokerUrl)
    proxies.push(proxy)
    const driver = bench.through(proxy.url)
    const source = { channel: name, group: 'group' }
    const first = await bench.open('receive', topologyOf(name), driver)
    const before = await receive(first.connection, { source })
    proxy.isDeaf = true
    await until('it is lost', () => first.events.length > 0)
    expect(driver.classify(await before.ended)).toBe('timeout')
    // What is said in the last moment is not heard either.
    await sleep(200)
    proxy.isDeaf = false
    const sender = await bench.open('send', topologyOf(name))
    const began = performance.now()
    const second = await bench.open('receive', topologyOf(name), driver)
    const after = await receive(second.connection, { source })
    await send(sender.connection, { channel: name }, numbered(9))
    await until('all arrive', () => after.bodies.length === 9)
    expect(performance.now() - began).toBeLessThan(sessionTimeoutMs / 3)
    await after.drain()
  }, 60_000)
})
