import { createRequire } from 'node:module'
import { gunzipSync } from 'node:zlib'
import { MessagingError } from '@waybill/core/driver'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { batchesIn } from '../src/kafka-record-batch.ts'

/** kafkajs as an independent writer of batches. */
const require = createRequire(import.meta.url)
const { RecordBatch } = require('kafkajs/src/protocol/recordBatch/v0') as {
  RecordBatch(batch: object): Promise<{ readonly buffer: Buffer }>
}
const Record = require('kafkajs/src/protocol/recordBatch/record/v0') as (record: object) => unknown
const Long = require('kafkajs/src/utils/long') as { fromValue(value: string): unknown }

interface Written {
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: { readonly [name: string]: Buffer }
}

const long = (value: bigint | number) => Long.fromValue(String(value))

async function written(
  records: readonly Written[],
  { first = 0n, firstMs = 1_000, stepMs = 1, gzip = false, ...more }: { readonly [option: string]: never } | any = {},
): Promise<Buffer> {
  const batch = await RecordBatch({
    compression: gzip ? 1 : 0,
    firstOffset: long(first),
    firstTimestamp: long(firstMs),
    maxTimestamp: long(firstMs + records.length * stepMs),
    lastOffsetDelta: records.length - 1,
    producerId: long(7),
    records: records.map((each, index) =>
      Record({ ...each, offsetDelta: index, timestampDelta: long(index * stepMs) }),
    ),
    ...more,
  })
  return batch.buffer
}

const gunzip = async (codec: number, bytes: Buffer): Promise<Buffer> => {
  expect(codec).toBe(1)
  return gunzipSync(bytes)
}

const read = (bytes: Buffer) => batchesIn(bytes, gunzip)

const plain = (count: number): Written[] =>
  Array.from({ length: count }, (_, index) => ({ key: null, value: Buffer.from(`${index}`), headers: {} }))

const anyBytes = fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes))
const anyRecord: fc.Arbitrary<Written> = fc.record({
  key: fc.option(anyBytes),
  value: fc.option(anyBytes),
  headers: fc.dictionary(
    fc.string({ unit: 'binary' }).map((name) => name.toWellFormed()),
    anyBytes,
    { maxKeys: 40 },
  ),
})

describe('a batch of records', () => {
  it('is read as it was written, compressed or not', async () => {
    const batches = fc.array(fc.tuple(fc.array(anyRecord, { minLength: 1, maxLength: 5 }), fc.boolean()), {
      maxLength: 3,
    })
    await fc.assert(
      fc.asyncProperty(batches, async (each) => {
        const bytes = Buffer.concat(await Promise.all(each.map(([records, gzip]) => written(records, { gzip }))))
        const found = await read(bytes)
        const seen = found.map(({ records }) =>
          records.map(({ key, value, headers }) => ({
            key,
            value,
            headers: Object.fromEntries(headers.map((header) => [header.name, header.value])),
          })),
        )
        expect(seen).toEqual(
          each.map(([records]) => records.map((record) => ({ ...record, headers: { ...record.headers } }))),
        )
      }),
      { numRuns: 300 },
    )
  })

  it.each<[string, bigint]>([
    ['at the beginning', 0n],
    ['beyond 32 bits', 2n ** 40n],
    ['beyond what a number holds', 2n ** 60n + 3n],
  ])('has offsets %s', async (_, first) => {
    const [batch] = await read(await written(plain(3), { first }))
    expect(batch?.records.map(({ offset }) => BigInt(offset))).toEqual([first, first + 1n, first + 2n])
    expect([batch?.firstOffset, batch?.lastOffset]).toEqual([first, first + 2n])
  })

  it('has times far apart, before each other, and those of the broker', async () => {
    const hourMs = 3_600_000
    for (const stepMs of [1, 1_000 * hourMs, -1_000 * hourMs]) {
      const [batch] = await read(await written(plain(3), { firstMs: 1_700_000_000_000, stepMs }))
      expect(batch?.records.map(({ timestampMs }) => timestampMs)).toEqual(
        [0, 1, 2].map((each) => 1_700_000_000_000 + each * stepMs),
      )
    }
    const bytes = await written(plain(2), { firstMs: 5 })
    bytes.writeInt16BE(0x08, 21)
    bytes.writeBigInt64BE(99n, 35)
    expect((await read(bytes))[0]?.records.map(({ timestampMs }) => timestampMs)).toEqual([99, 99])
  })

  it('says whose it is, and whether it is part of a transaction or the mark of its end', async () => {
    const bytes = await written(plain(1), { transactional: true })
    expect((await read(bytes))[0]).toMatchObject({ producerId: 7n, inTransaction: true, isControl: false })
    bytes.writeInt16BE(0x30, 21)
    expect((await read(bytes))[0]).toMatchObject({ inTransaction: true, isControl: true })
  })

  it('that is cut off anywhere is left out, and those before it are not', async () => {
    const [first, second] = await Promise.all([written(plain(2)), written(plain(2), { first: 2n })])
    for (let length = 0; length < second.length; length++) {
      const found = await read(Buffer.concat([first, second.subarray(0, length)]))
      expect(found.length).toBe(1)
    }
    expect((await read(Buffer.concat([first, second]))).length).toBe(2)
  })

  it('may have fewer records than offsets, or none: compaction takes them', async () => {
    const bytes = await written([], { lastOffsetDelta: 9 })
    expect((await read(bytes))[0]).toMatchObject({ firstOffset: 0n, lastOffset: 9n, records: [] })
  })

  it('of a format that is no more says so', async () => {
    const bytes = await written(plain(1))
    bytes.writeInt8(1, 16)
    await expect(read(bytes)).rejects.toMatchObject({ code: 'unsupported' })
  })

  it('that contradicts itself is refused, and never read beyond its end, nor for ever', async () => {
    const whole = await written([
      { key: Buffer.from('k'), value: Buffer.from('value'), headers: { name: Buffer.from('v') } },
    ])
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 }),
        async (changes) => {
          const bytes = Buffer.from(whole)
          for (const [at, value] of changes) bytes[at] = value
          try {
            for (const { records } of await batchesIn(bytes, async (_, each) => each)) {
              for (const record of records) void record.headers
            }
          } catch (error) {
            expect(error).toBeInstanceOf(MessagingError)
          }
        },
      ),
      { numRuns: 2_000 },
    )
  })
})
