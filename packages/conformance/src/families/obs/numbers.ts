import { deepEqual, equal, ok } from 'node:assert/strict'
import { openTelemetry, telemetryNames, type MessagingEvent, type OpenTelemetryApi } from '@waybill/core'
import type { Behaviour } from '../../behaviour.ts'
import { item, items, sendItems, type Item } from '../../item.ts'
import { TelemetryRecorder } from '../../telemetry-recorder.ts'
import { monotonicMs } from '../../time.ts'

const group = 'billing'
const { attribute, metric } = telemetryNames

/** What can be counted and watched. */
export const numbers: readonly Behaviour[] = [
  {
    id: 'OBS-02',
    async run(kit) {
      const recorder = new TelemetryRecorder()
      const orders = kit.channel([group])
      const messaging = await kit.connect({ telemetry: openTelemetry(recorder.api) })
      const workMs = 60
      const runs = kit.record<Item>(group)
      await messaging.consume(
        orders,
        { group },
        runs.handler(() => kit.sleep(workMs)),
      )
      const ids = await sendItems(messaging, orders, items(10))
      await runs.untilDone(ids)
      const durations = (): ReturnType<TelemetryRecorder['measured']> => recorder.measured(metric.processDuration.name)
      await kit.eventually('all is measured', () => durations().length >= 10)
      const sum = (name: string): number => recorder.measured(name).reduce((total, { value }) => total + value, 0)
      equal(sum(metric.sent.name), 10, 'sent')
      equal(sum(metric.consumed.name), 10, 'consumed')
      equal(durations().length, 10, 'process durations')
      for (const { value, unit } of durations()) {
        equal(unit, 's')
        const most = (workMs + kit.timings.toleranceMs) / 1_000
        ok(value >= (workMs - 2) / 1_000 && value <= most, `a run of ${workMs} ms measured as ${value} s`)
      }
      const operations = recorder.measured(metric.operationDuration.name)
      for (const type of ['send', 'receive', 'settle']) {
        const of = operations.filter(({ attributes }) => attributes[attribute.operationType] === type)
        equal(of.length, 10, `durations of ${type}`)
        ok(
          of.every(({ value }) => value >= 0 && value < 60),
          `durations of ${type} are seconds`,
        )
      }
      for (const { name, attributes } of recorder.measurements) {
        equal(attributes[attribute.system], kit.driver().system, name)
        equal(attributes[attribute.destination], orders.name, name)
        ok(
          !Object.values(attributes).some((value) => ids.includes(String(value))),
          `${name}: an id makes a series each`,
        )
      }
      const consumed = recorder.measured(metric.consumed.name)
      ok(consumed.every(({ attributes }) => attributes[attribute.group] === group))
      deepEqual([...new Set(consumed.map(({ unit }) => unit))], ['{message}'])
    },
  },
  {
    id: 'OBS-02',
    part: 'of what fails',
    needs: { faults: ['cut'] },
    async run(kit) {
      const link = await kit.link()
      const recorder = new TelemetryRecorder()
      const orders = kit.channel([group])
      const messaging = await kit.connect({ link, telemetry: openTelemetry(recorder.api) })
      await messaging.producer(orders)
      await link.sever()
      await kit.expectRejection('timeout', messaging.send(orders, item(), { timeoutMs: 300 }))
      const [sent] = recorder.measured(metric.sent.name)
      equal(sent?.attributes[attribute.errorType], 'timeout')
      const [duration] = recorder.measured(metric.operationDuration.name)
      const tookS = duration?.value ?? 0
      ok(tookS >= 0.29 && tookS <= 0.3 + kit.timings.toleranceMs / 1_000, `measured as ${tookS} s`)
      const [span] = recorder.named(`send ${orders.name}`)
      equal(span?.attributes[attribute.errorType], 'timeout')
      equal(span.ends, 1)
    },
  },
  {
    id: 'OBS-04',
    async run(kit) {
      const orders = kit.channel([group])
      const own = { 'My-Header': 'x', traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01' }
      const plain = await kit.connect()
      await plain.send(orders, item(0))
      await plain.send(orders, item(1), { headers: own })
      const silent = await kit.connect({ telemetry: openTelemetry(noExporter()) })
      await silent.send(orders, item(2))
      await silent.send(orders, item(3), { headers: own })
      const [first, second, third, fourth] = await kit.probe.extract({ channel: orders.name, group })
      deepEqual({ ...first?.headers }, {}, 'nothing is added where nobody traces')
      deepEqual({ ...second?.headers }, own, 'the trace context of the caller is passed on')
      deepEqual({ ...third?.headers }, {}, 'nor with an API that nobody registered with')
      deepEqual({ ...fourth?.headers }, own)
      const runs = kit.record(group)
      await silent.consume(orders, { group }, runs.handler())
      await runs.untilDone(await sendItems(silent, orders, items(20)))
    },
  },
  {
    id: 'OBS-05',
    needs: { faults: ['cut'] },
    async run(kit) {
      const { heartbeatMs, toleranceMs, recoverMs } = kit.timings
      const link = await kit.link()
      const events: MessagingEvent[] = []
      const one = kit.driver({ link })
      const two = kit.driver()
      const target = { connections: { one, two }, channels: { '*': 'two' } }
      const messaging = await kit.connect({ target, onEvent: (event) => void events.push(event) })
      deepEqual({ ...messaging.health().connections }, { one: 'up', two: 'up' })
      equal(messaging.health().status, 'up')
      const severedAt = monotonicMs()
      await link.sever()
      const isDown = (): boolean => messaging.health().connections.one === 'down'
      await kit.eventually('down within a heartbeat', isDown, heartbeatMs + toleranceMs)
      kit.log.note('noticed', `${Math.round(monotonicMs() - severedAt)} ms`)
      equal(messaging.health().status, 'degraded', 'one of two')
      equal(messaging.health().connections.two, 'up')
      await kit.sleep(300)
      ok(isDown(), 'and stays so while the broker is away')
      await link.restore()
      await kit.eventually('up again', () => messaging.health().status === 'up', recoverMs)
      const told = events
        .filter(({ type, connection }) => connection === 'one' && type !== 'fault')
        .map(({ type }) => type)
      deepEqual(told, ['connected', 'disconnected', 'connected'])
      await messaging.close()
      equal(messaging.health().status, 'down')
    },
  },
]

/** `@opentelemetry/api` without an SDK: spans that are invalid, propagators that do nothing. */
function noExporter(): OpenTelemetryApi {
  const { api } = new TelemetryRecorder()
  const invalid = { traceId: '0'.repeat(32), spanId: '0'.repeat(16), traceFlags: 0 }
  const span = { spanContext: () => invalid, setAttribute() {}, setStatus() {}, end() {} }
  const root = api.context.active()
  return {
    ...api,
    trace: { getTracer: () => ({ startSpan: () => span }), setSpan: () => root, getSpanContext: () => undefined },
    context: { active: () => root, with: (_, work) => work() },
    propagation: { inject() {}, extract: (context) => context },
    metrics: {
      getMeter: () => ({ createCounter: () => ({ add() {} }), createHistogram: () => ({ record() {} }) }),
    },
  }
}
