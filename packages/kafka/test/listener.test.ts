import { describe, expect, it } from 'vitest'
import { KafkaListener, type Feed } from '../src/kafka-listener.ts'

const source = { channel: 'orders', group: 'billing' }
const request = { source, order: 'none', maxInFlight: 1 } as const

/** A listener, what happened to it and its feed, and the feed's own doing, which is nothing. */
function bench(doing: Partial<Feed> = {}) {
  const said: string[] = []
  const listener = new KafkaListener({
    request,
    onCrashed: (error) => said.push(`crashed: ${String(error)}`),
    onOver: () => said.push('over'),
  })
  const saying = (word: 'open' | 'drain' | 'close') => async (): Promise<void> => {
    said.push(word)
    await doing[word]?.()
  }
  const feed = { next: [], open: saying('open'), drain: saying('drain'), close: saying('close') }
  return { listener, feed, said }
}

describe('a listener', () => {
  it('drains once, and is over then', async () => {
    const { listener, feed, said } = bench()
    await listener.open(feed)
    await Promise.all([listener.drain(), listener.drain()])
    await listener.close(new Error('late'))
    expect(said).toEqual(['open', 'drain', 'close', 'over'])
    expect(await listener.ended).toBe(undefined)
  })

  it('leaves nothing behind when it cannot open, or drain', async () => {
    for (const word of ['open', 'drain'] as const) {
      const { listener, feed, said } = bench({ [word]: () => Promise.reject(new Error('no')) })
      await expect(listener.open(feed).then(() => listener.drain())).rejects.toThrow('no')
      expect(said.slice(-3)).toEqual([word, 'close', 'over'])
    }
  })

  it('ends with its feed, which is closed all the same', async () => {
    const { listener, feed, said } = bench()
    await listener.open(feed)
    listener.crash('the group went on')
    listener.crash('again')
    expect(said).toEqual(['open', 'crashed: the group went on', 'close', 'over'])
    expect(listener.isOver).toBe(true)
    expect(await listener.ended).toBe('the group went on')
  })

  it('that is closed while it opens is over when it has opened', async () => {
    const opening = Promise.withResolvers<void>()
    const { listener, feed, said } = bench({ open: () => opening.promise })
    const opened = listener.open(feed)
    await listener.close('the epoch is over')
    opening.resolve()
    await opened
    expect(said).toEqual(['open', 'close', 'over'])
    expect(await listener.ended).toBe('the epoch is over')
  })

  it('that has shown all there is ends, and is not over', async () => {
    const { listener, feed, said } = bench()
    await listener.open(feed)
    listener.end()
    expect(await listener.ended).toBe(undefined)
    expect([listener.isOver, listener.isDraining]).toEqual([false, false])
    await listener.drain()
    expect(said).toEqual(['open', 'drain', 'close', 'over'])
  })
})
