// What a channel may not be.
import { channel } from '@waybill/core'
import { z } from 'zod'

// @ts-expect-error groups are required
channel('c', { schema: z.object({ a: z.string() }) })
// @ts-expect-error ordering needs a key
channel('o', { groups: ['g'], schema: z.object({ a: z.string() }), ordering: 'key' })
// @ts-expect-error a key is a string, made at once
channel('o', { groups: ['g'], schema: z.object({ a: z.number() }), key: (data) => data.a })
// @ts-expect-error one schema or several, not both
channel('o', { groups: ['g'], schema: z.object({ a: z.number() }), messages: { a: z.object({}) } })
// @ts-expect-error an unknown option
channel('o', { groups: ['g'], schema: z.object({ a: z.number() }), group: ['billing'] })
// @ts-expect-error one of several is not JSON
channel('o', { groups: ['g'], messages: { a: z.object({ d: z.date() }), b: z.object({}) } })

class Money {
  readonly cents: number
  constructor(cents: number) {
    this.cents = cents
  }
  plus(other: Money): Money {
    return new Money(this.cents + other.cents)
  }
}
// @ts-expect-error a class instance would arrive without its methods
channel('m', { groups: ['g'], schema: z.object({ m: z.instanceof(Money) }) })
