import { beforeEach, describe, expect, test } from 'vitest'
import { ManualClock } from '../src/driver/manual-clock.ts'
import type { WireMessage } from '../src/driver/wire-message.ts'
import type { Claim, ClaimHolder, ClaimRequest, IdempotencyStore } from '../src/idempotency-store.ts'
import { claimLeaseMs, IdempotentReceiver } from '../src/idempotent-receiver.ts'
import type { Message } from '../src/message.ts'
import type { MessagingError } from '../src/messaging-error.ts'
import { TimerQueue } from '../src/timer-queue.ts'

const message = { id: 'm1', source: '/orders' } as Message
const wire = { id: 'm1', body: Buffer.from('body') } as unknown as WireMessage

/** A store that does as it is told and remembers what it was asked. */
class ScriptedStore implements IdempotencyStore {
  readonly retentionMs = 1_000
  readonly asked: string[] = []
  readonly requests: ClaimRequest[] = []
  readonly holders: ClaimHolder[] = []
  answer: Claim | Error = { outcome: 'acquired', fence: 7 }
  completion: boolean | Error = true
  broken: readonly string[] = []

  async claim(request: ClaimRequest): Promise<Claim> {
    this.asked.push('claim')
    this.requests.push(request)
    if (this.answer instanceof Error) throw this.answer
    return this.answer
  }

  async renew(holder: ClaimHolder, leaseMs: number): Promise<boolean> {
    return this.#note(`renew ${leaseMs}`, holder)
  }

  async complete(holder: ClaimHolder): Promise<boolean> {
    await this.#note('complete', holder)
    if (this.completion instanceof Error) throw this.completion
    return this.completion
  }

  release(holder: ClaimHolder): Promise<boolean> {
    return this.#note('release', holder)
  }

  async #note(what: string, holder: ClaimHolder): Promise<boolean> {
    this.asked.push(what)
    this.holders.push(holder)
    if (this.broken.some((each) => what.startsWith(each))) throw new Error(`${what} is broken`)
    return true
  }
}

let store: ScriptedStore
let clock: ManualClock
let timers: TimerQueue
let faults: MessagingError[]
let runs: number

beforeEach(() => {
  store = new ScriptedStore()
  clock = new ManualClock()
  timers = new TimerQueue(clock)
  faults = []
  runs = 0
})

function receiver(key?: (message: Message<any>) => string): IdempotentReceiver {
  return new IdempotentReceiver({ store, key, scope: 'orders/billing', timers, onFault: (error) => faults.push(error) })
}

const work = async (): Promise<void> => {
  store.asked.push('work')
  runs++
}

const failing = async (): Promise<void> => {
  store.asked.push('work')
  throw new Error('planted')
}

describe('IdempotentReceiver', () => {
  test('claims, handles, completes, in this order', async () => {
    expect(await receiver().run(message, wire, work)).toEqual({ kind: 'done' })
    expect(store.asked).toEqual(['claim', 'work', 'complete'])
    expect(store.requests[0]).toMatchObject({ scope: 'orders/billing', key: '/orders\nm1', leaseMs: claimLeaseMs })
    expect(store.holders).toEqual([{ scope: 'orders/billing', key: '/orders\nm1', fence: 7 }])
    expect(faults).toEqual([])
  })

  test('what was handled before is done without a run', async () => {
    store.answer = { outcome: 'completed' }
    expect(await receiver().run(message, wire, work)).toEqual({ kind: 'done' })
    expect(store.asked).toEqual(['claim'])
  })

  test.each([
    [500, 500],
    [0, 1],
    [-5, 1],
    [1_000, 1_000],
    [30_000, 1_000],
    [10.2, 11],
  ])('busy for %d ms: comes back after %d ms', async (retryAfterMs, delayMs) => {
    store.answer = { outcome: 'busy', retryAfterMs }
    expect(await receiver().run(message, wire, work)).toEqual({ kind: 'later', delayMs })
    expect(runs).toBe(0)
  })

  test('a conflict is an error that says which message', async () => {
    store.answer = { outcome: 'conflict' }
    const text = 'message "m1" from "/orders" came before with another body; two messages share an id'
    await expect(receiver().run(message, wire, work)).rejects.toMatchObject({
      code: 'failedPrecondition',
      message: text,
    })
    expect(runs).toBe(0)
  })

  test('a store that does not answer: later, no run, and told', async () => {
    store.answer = new Error('down')
    expect(await receiver().run(message, wire, work)).toEqual({ kind: 'later', delayMs: undefined })
    expect(runs).toBe(0)
    const text = 'the idempotency store did not answer; the message is retried: down'
    expect(faults).toEqual([expect.objectContaining({ code: 'unavailable', message: text, cause: store.answer })])
  })

  test('a failed run gives its claim back and rejects with its error', async () => {
    await expect(receiver().run(message, wire, failing)).rejects.toThrow('planted')
    expect(store.asked).toEqual(['claim', 'work', 'release'])
    expect(faults).toEqual([])
  })

  test('a failed run whose claim cannot be given back rejects with its own error, and that is told', async () => {
    store.broken = ['release']
    await expect(receiver().run(message, wire, failing)).rejects.toThrow('planted')
    const text =
      'the idempotency store did not answer; a retry waits until the claim ends in 30000 ms: release is broken'
    expect(faults.map((fault) => fault.message)).toEqual([text])
  })

  test('a claim that was taken over meanwhile: later, and told without a cause', async () => {
    store.completion = false
    expect(await receiver().run(message, wire, work)).toEqual({ kind: 'later', delayMs: undefined })
    const text = 'a claim was taken over while its handler ran; the message is given another look'
    expect(faults.map((fault) => fault.message)).toEqual([text])
    expect('cause' in faults[0]! && faults[0].cause !== undefined).toBe(false)
  })

  test('a store that does not answer after the handler: later, and told', async () => {
    store.completion = new Error('down')
    expect(await receiver().run(message, wire, work)).toEqual({ kind: 'later', delayMs: undefined })
    const text = 'the idempotency store did not answer after the handler; the message is given another look: down'
    expect(faults.map((fault) => fault.message)).toEqual([text])
  })

  describe('renewal', () => {
    const third = claimLeaseMs / 3

    /** Runs until `ms` have passed, then ends the work. */
    async function during(ms: number, end: 'resolve' | 'reject' = 'resolve'): Promise<void> {
      const { promise, resolve, reject } = Promise.withResolvers<void>()
      const running = receiver().run(message, wire, () => promise)
      await Promise.resolve()
      for (let passed = 0; passed < ms; passed += third) clock.advance(Math.min(third, ms - passed))
      if (end === 'resolve') resolve()
      else reject(new Error('planted'))
      await running.catch(() => {})
    }

    const renewals = (): number => store.asked.filter((each) => each === `renew ${claimLeaseMs}`).length

    test.each([
      [third - 1, 0],
      [third, 1],
      [3 * third, 3],
    ])('a run of %d ms renews %d times', async (ms, expected) => {
      await during(ms)
      expect(renewals()).toBe(expected)
      expect(store.holders.every(({ fence, key }) => fence === 7 && key === '/orders\nm1')).toBe(true)
    })

    test.each(['resolve', 'reject'] as const)('ends with a run that %ss', async (end) => {
      await during(third, end)
      clock.advance(10 * claimLeaseMs)
      expect(renewals()).toBe(1)
      expect(timers.size).toBe(0)
    })

    test('one that fails is told, and the next is tried', async () => {
      store.broken = ['renew']
      await during(2 * third)
      expect(renewals()).toBe(2)
      const text = `the idempotency store did not renew a claim: renew ${claimLeaseMs} is broken`
      expect(faults.map((fault) => fault.message)).toEqual([text, text])
    })
  })

  describe('identity', () => {
    const keyOf = async (key: ((message: Message<any>) => string) | undefined, of: WireMessage = wire) => {
      await receiver(key).run(message, of, work)
      return store.requests.at(-1)
    }

    test('the body is compared, its absence included', async () => {
      const one = await keyOf(undefined)
      const same = await keyOf(undefined, { ...wire, body: Buffer.from('body') })
      const other = await keyOf(undefined, { ...wire, body: Buffer.from('other') })
      const empty = await keyOf(undefined, { ...wire, body: new Uint8Array() })
      const none = await keyOf(undefined, { ...wire, body: undefined })
      expect(same).toEqual(one)
      expect(none?.fingerprint).toBe('none')
      // base64url of a SHA-256: 43 characters.
      expect(one?.fingerprint).toMatch(/^[\w-]{43}$/)
      expect(new Set([one, other, empty, none].map((each) => each?.fingerprint)).size).toBe(4)
    })

    test('a key of the application is taken as it is, and content is not compared', async () => {
      expect(await keyOf(({ id }) => `own-${id}`)).toMatchObject({ key: 'own-m1', fingerprint: '' })
    })

    test.each([
      ['', 'string'],
      [undefined, 'undefined'],
      [42, 'number'],
    ])('refuses the key %o', async (key, type) => {
      const text = `idempotency.key must give a string that is not empty, not ${type}`
      const running = receiver(() => key as string).run(message, wire, work)
      await expect(running).rejects.toMatchObject({ code: 'invalidArgument', message: text })
      expect(store.asked).toEqual([])
    })

    test('a foreign message without an id needs a key of the application', async () => {
      const foreign = { ...wire, id: undefined }
      const text = 'a foreign message without an id cannot be recognised as a duplicate; give idempotency.key'
      await expect(receiver().run(message, foreign, work)).rejects.toMatchObject({
        code: 'decodeFailed',
        message: text,
      })
      expect(await keyOf(() => 'own', foreign)).toMatchObject({ key: 'own' })
    })
  })
})
