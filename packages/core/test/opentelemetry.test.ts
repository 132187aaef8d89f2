import * as api from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { W3CTraceContextPropagator } from '@opentelemetry/core'
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics'
import { TracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { ManualClock } from '../src/driver/manual-clock.ts'
import { MessagingError } from '../src/messaging-error.ts'
import { openTelemetry } from '../src/opentelemetry.ts'
import type { OpenTelemetryApi } from '../src/opentelemetry-api.ts'
import { telemetryNames } from '../src/telemetry-names.ts'

const spans = new InMemorySpanExporter()
const metricExporter = new InMemoryMetricExporter(AggregationTemporality.DELTA)
const reader = new PeriodicExportingMetricReader({ exporter: metricExporter, exportIntervalMillis: 1e9 })
const clock = new ManualClock()

beforeAll(() => {
  api.context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
  api.propagation.setGlobalPropagator(new W3CTraceContextPropagator())
  api.trace.setGlobalTracerProvider(
    new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter: spans })] }),
  )
  api.metrics.setGlobalMeterProvider(new MeterProvider({ readers: [reader] }))
})

afterAll(async () => {
  await reader.shutdown()
  for (const part of [api.context, api.propagation, api.trace, api.metrics]) part.disable()
})

beforeEach(async () => {
  await reader.forceFlush()
  metricExporter.reset()
  spans.reset()
})

const sent = { system: 'rabbitmq', channel: 'orders', id: 'id-1', key: 'customer 7', bytes: 12 }
const processed = { system: 'rabbitmq', channel: 'orders', group: 'billing', id: 'id-1', attempt: 2, bytes: 12 }

function setUp() {
  return openTelemetry(api, { clock })
}

function headers(from: Record<string, string> = {}): Record<string, string> {
  return Object.assign(Object.create(null), from) as Record<string, string>
}

function finished(name: string) {
  const span = spans.getFinishedSpans().find((each) => each.name === name)
  if (span === undefined) throw new Error(`no span ${name}: ${spans.getFinishedSpans().map((each) => each.name)}`)
  return span
}

async function pointsOf(name: string) {
  await reader.forceFlush()
  const all = metricExporter.getMetrics().flatMap(({ scopeMetrics }) => scopeMetrics.flatMap(({ metrics }) => metrics))
  const metric = all.find(({ descriptor, dataPoints }) => descriptor.name === name && dataPoints.length > 0)
  if (metric === undefined) throw new Error(`no metric ${name}`)
  return {
    unit: metric.descriptor.unit,
    points: metric.dataPoints.map(({ value, attributes }) => ({ value, attributes })) as {
      value: number & { count: number; sum: number; buckets: { boundaries: number[] } }
      attributes: Record<string, unknown>
    }[],
  }
}

test('the real module fits the structural type', () => {
  const fits: OpenTelemetryApi = api
  expect(fits.SpanKind.PRODUCER).toBe(api.SpanKind.PRODUCER)
})

describe('sending', () => {
  test('is a PRODUCER span whose context travels in the headers', () => {
    const carrier = headers()
    setUp().sending(sent, carrier).end()
    const span = finished('send orders')
    expect(span.kind).toBe(api.SpanKind.PRODUCER)
    expect(span.attributes).toEqual({
      'messaging.system.name': 'rabbitmq',
      'messaging.operation.name': 'send',
      'messaging.operation.type': 'send',
      'messaging.destination.name': 'orders',
      'messaging.message.id': 'id-1',
      'messaging.message.body.size': 12,
    })
    expect(span.instrumentationScope.name).toBe('@waybill/core')
    const { traceId, spanId } = span.spanContext()
    expect({ ...carrier }).toEqual({ traceparent: `00-${traceId}-${spanId}-01` })
    expect(span.status.code).toBe(api.SpanStatusCode.UNSET)
  })

  test('is a child of what is going on', () => {
    const parent = api.trace.getTracer('test').startSpan('request')
    api.context.with(api.trace.setSpan(api.context.active(), parent), () => setUp().sending(sent, headers()).end())
    expect(finished('send orders').parentSpanContext?.spanId).toBe(parent.spanContext().spanId)
  })

  test('begins when send was called, though it had to wait', async () => {
    const observation = setUp().sending({ ...sent, waitedMs: 100 }, headers())
    clock.advance(50)
    observation.end()
    const { points } = await pointsOf('messaging.client.operation.duration')
    expect(points[0]?.value).toMatchObject({ count: 1, sum: 0.15 })
    const [startSeconds, startNanoseconds] = finished('send orders').startTime
    expect(startSeconds * 1_000 + startNanoseconds / 1e6).toBeCloseTo(clock.now() - 150, 0)
  })

  test('keeps a trace context that the application set', () => {
    const own = { traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01' }
    const carrier = headers(own)
    setUp().sending(sent, carrier).end()
    expect({ ...carrier }).toEqual(own)
  })

  test('counts and times', async () => {
    const observation = setUp().sending(sent, headers())
    clock.advance(250)
    observation.end()
    const attributes = {
      'messaging.system.name': 'rabbitmq',
      'messaging.operation.name': 'send',
      'messaging.operation.type': 'send',
      'messaging.destination.name': 'orders',
    }
    expect(await pointsOf('messaging.client.sent.messages')).toEqual({
      unit: '{message}',
      points: [{ value: 1, attributes }],
    })
    const { unit, points } = await pointsOf('messaging.client.operation.duration')
    expect(unit).toBe('s')
    expect(points[0]?.attributes).toEqual(attributes)
    expect(points[0]?.value).toMatchObject({ count: 1, sum: 0.25 })
    expect(points[0]?.value.buckets.boundaries).toEqual(telemetryNames.durationBuckets)
  })

  test('a failure has a type and a status', async () => {
    setUp().sending(sent, headers()).end(new MessagingError('unroutable', 'no group takes "orders"'))
    const span = finished('send orders')
    expect(span.status).toEqual({ code: api.SpanStatusCode.ERROR, message: 'no group takes "orders"' })
    expect(span.attributes['error.type']).toBe('unroutable')
    const { points } = await pointsOf('messaging.client.sent.messages')
    expect(points[0]?.attributes['error.type']).toBe('unroutable')
  })

  test('keys are nowhere', () => {
    const carrier = headers()
    setUp().sending(sent, carrier).end(new Error('x'))
    const { attributes, events, links, status } = finished('send orders')
    expect(JSON.stringify({ carrier, attributes, events, links, status })).not.toContain('customer 7')
  })
})

describe('processing', () => {
  test('is a CONSUMER span: child of the send and linked to it', () => {
    const telemetry = setUp()
    const carrier = headers()
    telemetry.sending(sent, carrier).end()
    telemetry.processing({ ...processed, headers: carrier }).end()
    const origin = finished('send orders').spanContext()
    const span = finished('process orders')
    expect(span.kind).toBe(api.SpanKind.CONSUMER)
    expect(span.parentSpanContext?.spanId).toBe(origin.spanId)
    expect(span.links.map((link) => link.context.spanId)).toEqual([origin.spanId])
    expect(span.spanContext().traceId).toBe(origin.traceId)
    expect(span.attributes).toEqual({
      'messaging.system.name': 'rabbitmq',
      'messaging.operation.name': 'process',
      'messaging.operation.type': 'process',
      'messaging.destination.name': 'orders',
      'messaging.consumer.group.name': 'billing',
      'messaging.message.id': 'id-1',
      'messaging.message.body.size': 12,
      'waybill.message.attempt': 2,
    })
  })

  test('what the handler does belongs to it, across awaits; its result comes through', async () => {
    const observation = setUp().processing(processed)
    const result = await observation.run(async () => {
      await Promise.resolve()
      api.trace.getTracer('test').startSpan('query').end()
      return 42
    })
    observation.end()
    expect(result).toBe(42)
    expect(finished('query').parentSpanContext?.spanId).toBe(finished('process orders').spanContext().spanId)
  })

  test('a foreign message is no part of any trace; nor does a broken traceparent hurt', () => {
    const telemetry = setUp()
    const active = api.trace.getTracer('test').startSpan('poll loop')
    const within = api.trace.setSpan(api.context.active(), active)
    api.context.with(within, () => telemetry.processing({ ...processed, headers: headers() }).end())
    expect(finished('process orders').links).toEqual([])
    spans.reset()
    telemetry.processing({ ...processed, headers: headers({ traceparent: 'nonsense' }) }).end()
    expect(finished('process orders').links).toEqual([])
  })

  test('a batch is linked to each of its messages', () => {
    const telemetry = setUp()
    const carriers = [headers(), headers(), headers()]
    for (const carrier of carriers.slice(0, 2)) telemetry.sending(sent, carrier).end()
    const { id: _id, ...about } = processed
    telemetry.processing({ ...about, batch: carriers }).end()
    const span = finished('process orders')
    const origins = spans.getFinishedSpans().filter((each) => each.name === 'send orders')
    expect(span.links.map((link) => link.context.spanId)).toEqual(origins.map((origin) => origin.spanContext().spanId))
    expect(span.attributes['messaging.batch.message_count']).toBe(3)
    expect(span.attributes['messaging.message.id']).toBeUndefined()
    expect(span.parentSpanContext).toBeUndefined()
  })

  test('times the handler, failed or not', async () => {
    class CardDeclined extends Error {}
    const observation = setUp().processing(processed)
    clock.advance(30)
    observation.end(new CardDeclined('no'))
    const { unit, points } = await pointsOf('messaging.process.duration')
    expect(unit).toBe('s')
    expect(points[0]?.value).toMatchObject({ count: 1, sum: 0.03 })
    expect(points[0]?.attributes).toMatchObject({
      'error.type': 'CardDeclined',
      'messaging.consumer.group.name': 'billing',
    })
    expect(finished('process orders').status).toEqual({ code: api.SpanStatusCode.ERROR, message: 'no' })
  })

  test('in a broadcast there is no group', () => {
    setUp()
      .processing({ ...processed, group: undefined })
      .end()
    expect(finished('process orders').attributes).not.toHaveProperty('messaging.consumer.group.name')
  })
})

describe('receiving', () => {
  test('counts once per delivery and links to the send', async () => {
    const telemetry = setUp()
    const carrier = headers()
    telemetry.sending(sent, carrier).end()
    telemetry.received({ system: 'rabbitmq', channel: 'orders', group: 'billing', id: 'id-1', headers: carrier })
    telemetry.received({ system: 'rabbitmq', channel: 'orders', group: 'billing', count: 5 })
    const { points } = await pointsOf('messaging.client.consumed.messages')
    expect(points.map(({ value }) => value)).toEqual([6])
    const span = finished('receive orders')
    expect(span.kind).toBe(api.SpanKind.CLIENT)
    expect(span.links.map((link) => link.context.spanId)).toEqual([finished('send orders').spanContext().spanId])
    expect(span.attributes).toMatchObject({ 'messaging.operation.type': 'receive', 'messaging.message.id': 'id-1' })
  })
})

describe('settling', () => {
  test.each(['accept', 'retry', 'deadLetter', 'release'] as const)('%s is a CLIENT span', (outcome) => {
    const carrier = headers()
    const telemetry = setUp()
    telemetry.sending(sent, carrier).end()
    telemetry.settled({
      system: 'rabbitmq',
      channel: 'orders',
      group: 'billing',
      id: 'id-1',
      outcome,
      headers: carrier,
    })
    const span = finished(`${outcome} orders`)
    expect(span.kind).toBe(api.SpanKind.CLIENT)
    expect(span.attributes).toMatchObject({
      'messaging.operation.name': outcome,
      'messaging.operation.type': 'settle',
      'messaging.message.id': 'id-1',
    })
    expect(span.links).toHaveLength(1)
  })

  test('a failure and a duration', async () => {
    const error = new MessagingError('leaseLost', 'too late')
    setUp().settled({ system: 'rabbitmq', channel: 'orders', id: 'id-1', outcome: 'accept', error, durationMs: 1500 })
    const span = finished('accept orders')
    expect(span.status.code).toBe(api.SpanStatusCode.ERROR)
    expect(span.attributes['error.type']).toBe('leaseLost')
    expect(span.startTime[0] * 1000 + span.startTime[1] / 1e6).toBeCloseTo(clock.now() - 1500)
    const { points } = await pointsOf('messaging.client.operation.duration')
    expect(points[0]?.value).toMatchObject({ sum: 1.5 })
    expect(points[0]?.attributes['error.type']).toBe('leaseLost')
  })
})

test('without an SDK registered nothing is written and nothing breaks', () => {
  for (const part of [api.context, api.propagation, api.trace, api.metrics]) part.disable()
  const telemetry = setUp()
  const carrier = headers()
  telemetry.sending(sent, carrier).end(new Error('x'))
  const observation = telemetry.processing({ ...processed, headers: carrier })
  expect(observation.run(() => 7)).toBe(7)
  observation.end()
  telemetry.received({ system: 's', channel: 'c' })
  telemetry.settled({ system: 's', channel: 'c', id: 'i', outcome: 'accept' })
  expect(Object.keys(carrier)).toEqual([])
})
