import { deepEqual, equal, ok } from 'node:assert/strict'
import { openTelemetry, telemetryNames, type MessagingEvent } from '@waybill/core'
import type { Behaviour } from '../../behaviour.ts'
import { item, items, sendItems, type Item } from '../../item.ts'
import { TelemetryRecorder, type RecordedSpan } from '../../telemetry-recorder.ts'
import { refusesRetries, retries } from '../rty/letters.ts'

const group = 'billing'
const { attribute } = telemetryNames

/** One trace from the sender's span through the broker to the handler's. */
export const traces: readonly Behaviour[] = [
  {
    id: 'OBS-01',
    async run(kit) {
      const [sending, handling] = [new TelemetryRecorder(), new TelemetryRecorder()]
      const [orders, next] = [kit.channel([group]), kit.channel([group])]
      const sender = await kit.connect({ telemetry: openTelemetry(sending.api) })
      await sender.producer(orders)
      const receiver = await kit.connect({ telemetry: openTelemetry(handling.api) })
      const runs = kit.record(group)
      const handler = runs.handler(async (_, { send }) => void (await send(next, item(1))))
      const { spanId, result } = await sending.within('checkout', () => sender.send(orders, item(0)))
      const [wire] = await kit.probe.extract({ channel: orders.name, group })
      const [sent] = sending.named(`send ${orders.name}`)
      equal(wire?.headers.traceparent, `00-${sent?.traceId}-${sent?.spanId}-01`, 'the trace context on the wire')
      equal(sent?.kind, 'PRODUCER')
      equal(sent.parentSpanId, spanId, 'the send belongs to what the application was doing')
      const common = { [attribute.system]: kit.driver().system, [attribute.destination]: orders.name }
      containsAll(sent, { ...common, [attribute.operationName]: 'send', [attribute.operationType]: 'send' })
      containsAll(sent, { [attribute.messageId]: result.id, [attribute.bodyBytes]: wire?.body?.length })
      const again = await sending.within('checkout', () => sender.send(orders, item(0)))
      const origin = sending.named(`send ${orders.name}`)[1]
      await receiver.consume(orders, { group }, handler)
      await runs.untilDone([again.result.id])
      const settled = await kit.eventually('the settle span', () => handling.named(`accept ${orders.name}`)[0])
      const process = only(handling.named(`process ${orders.name}`))
      equal(process.kind, 'CONSUMER')
      equal(process.traceId, origin?.traceId, 'the trace goes on')
      equal(process.parentSpanId, origin?.spanId, 'the run is a child of the send')
      deepEqual(process.links, [origin?.spanId], 'and linked to it')
      const about = { ...common, [attribute.group]: group, [attribute.messageId]: again.result.id }
      containsAll(process, {
        ...about,
        [attribute.operationName]: 'process',
        [attribute.operationType]: 'process',
        [attribute.attempt]: 1,
      })
      const receive = only(handling.named(`receive ${orders.name}`))
      equal(receive.kind, 'CLIENT')
      deepEqual(receive.links, [origin?.spanId])
      containsAll(receive, { ...about, [attribute.operationName]: 'receive', [attribute.operationType]: 'receive' })
      equal(settled.kind, 'CLIENT')
      deepEqual(settled.links, [origin?.spanId])
      containsAll(settled, { ...about, [attribute.operationName]: 'accept', [attribute.operationType]: 'settle' })
      const onward = only(handling.named(`send ${next.name}`))
      equal(onward.parentSpanId, process.spanId, 'what a handler sends is part of its run')
      equal(onward.traceId, origin?.traceId)
      for (const span of [...sending.spans, ...handling.spans]) equal(span.ends, 1, `ends of ${span.name}`)
    },
  },
  {
    id: 'OBS-01',
    part: 'past the window',
    async run(kit) {
      const recorder = new TelemetryRecorder()
      const orders = kit.channel([group])
      const messaging = await kit.connect({ telemetry: openTelemetry(recorder.api) })
      const checkout = recorder.within('checkout', () => sendItems(messaging, orders, items(2_500)))
      const refund = recorder.within('refund', () => sendItems(messaging, orders, items(100)))
      const spanIds = [(await checkout).spanId, (await refund).spanId]
      const sent = recorder.named(`send ${orders.name}`)
      const counts = spanIds.map((id) => sent.filter(({ parentSpanId }) => parentSpanId === id).length)
      deepEqual(counts, [2_500, 100], 'sends that waited for room belong to what their caller was doing')
    },
  },
  {
    id: 'OBS-01',
    part: 'in batches',
    async run(kit) {
      const recorder = new TelemetryRecorder()
      const orders = kit.channel([group])
      const messaging = await kit.connect({ telemetry: openTelemetry(recorder.api) })
      let handled = 0
      const batched = async (messages: readonly unknown[]): Promise<void> => void (handled += messages.length)
      const ids = await sendItems(messaging, orders, items(6))
      await messaging.consumeBatch(orders, { group, maxSize: 6, maxWaitMs: 500 }, batched)
      await kit.eventually('all are handled', () => handled >= ids.length)
      const spans = await kit.eventually('their spans', () => {
        const found = recorder.named(`process ${orders.name}`).filter(({ ends }) => ends === 1)
        return found.flatMap(({ links }) => links).length >= ids.length ? found : undefined
      })
      const origins = recorder.named(`send ${orders.name}`).map(({ spanId }) => spanId)
      deepEqual(
        spans.flatMap(({ links }) => links).sort(),
        [...origins].sort(),
        'a batch is linked to each of its sends',
      )
      const counts = spans.map(({ attributes }) => Number(attributes[attribute.batchCount]))
      equal(
        counts.reduce((sum, count) => sum + count, 0),
        ids.length,
      )
    },
  },
  {
    id: 'OBS-03',
    needs: { capability: retries },
    async run(kit) {
      const recorder = new TelemetryRecorder()
      const events: MessagingEvent[] = []
      const orders = kit.channel([group])
      const messaging = await kit.connect({
        telemetry: openTelemetry(recorder.api),
        onEvent: (event) => void events.push(event),
      })
      const runs = kit.record<Item>(group)
      const handler = runs.handler(async () => {
        throw new TypeError('planted')
      })
      await messaging.consume(orders, { group, retry: { maxAttempts: 3, delaysMs: [50] } }, handler)
      const [id = ''] = await sendItems(messaging, orders, [item()])
      const told = (type: MessagingEvent['type']): readonly MessagingEvent[] =>
        events.filter((event) => event.type === type)
      await kit.eventually('the dead letter is told of', () => told('deadLettered').length > 0)
      const expected = { channel: orders.name, group, messageId: id, connection: 'main' }
      equal(told('retried').length, 2)
      for (const event of [...told('retried'), ...told('deadLettered')]) {
        const { channel, group: of, messageId, connection } = event
        deepEqual({ channel, group: of, messageId, connection }, expected)
        equal(event.error?.message, 'planted')
      }
      const processes = recorder.named(`process ${orders.name}`)
      deepEqual(
        processes.map(({ attributes }) => attributes[attribute.attempt]),
        [1, 2, 3],
      )
      const [first] = recorder.named(`send ${orders.name}`)
      for (const span of processes) {
        equal(span.attributes[attribute.errorType], 'TypeError')
        deepEqual(span.status, { code: 2, message: 'planted' })
        equal(span.traceId, first?.traceId, 'a retry stays in the trace')
      }
      const settles = recorder.spans.filter(({ attributes }) => attributes[attribute.operationType] === 'settle')
      deepEqual(
        settles.map(({ name }) => name.split(' ')[0]),
        ['retry', 'retry', 'deadLetter'],
      )
      const durations = recorder.measured(telemetryNames.metric.processDuration.name)
      deepEqual(
        durations.map(({ attributes }) => attributes[attribute.errorType]),
        ['TypeError', 'TypeError', 'TypeError'],
      )
      ok(settles.every(({ attributes }) => attributes[attribute.messageId] === id))
    },
    refusal: refusesRetries,
  },
]

function containsAll(span: RecordedSpan | undefined, expected: { readonly [name: string]: unknown }): void {
  for (const [name, value] of Object.entries(expected)) equal(span?.attributes[name], value, `${span?.name}: ${name}`)
}

function only(spans: readonly RecordedSpan[]): RecordedSpan {
  equal(spans.length, 1, `one span expected: ${spans.map(({ name }) => name).join()}`)
  return spans[0] as RecordedSpan
}
