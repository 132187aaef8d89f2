import { systemClock, type Clock } from './driver/clock.ts'
import type { Headers } from './driver/wire-message.ts'
import { describeError } from './error-description.ts'
import { MessagingError } from './messaging-error.ts'
import type {
  OpenTelemetryApi,
  OpenTelemetryAttributes,
  OpenTelemetryContext,
  OpenTelemetryCounter,
  OpenTelemetryHistogram,
  OpenTelemetryMeter,
  OpenTelemetrySpan,
  OpenTelemetrySpanContext,
  OpenTelemetryTracer,
} from './opentelemetry-api.ts'
import { telemetryNames as names } from './telemetry-names.ts'
import type {
  ProcessDescription,
  ProcessObservation,
  ReceiveDescription,
  SendDescription,
  SendObservation,
  SettleDescription,
  Telemetry,
} from './telemetry.ts'

const { attribute, operationType } = names

/**
 * Traces and metrics through OpenTelemetry: `openTelemetry(api)`, with `import * as api from '@opentelemetry/api'`.
 *
 * Names and units are those of `telemetryNames`. A send is a PRODUCER span whose context travels in the message by the
 * propagators registered (W3C `traceparent` and `tracestate` by default); a handler's run is a CONSUMER span, child of
 * it and linked to it, of a batch linked to each. Receiving and settling are CLIENT spans.
 *
 * Conformance: OBS-01 to OBS-04.
 */
export function openTelemetry(api: OpenTelemetryApi, { clock = systemClock }: { clock?: Clock } = {}): Telemetry {
  return new OpenTelemetryBridge(api, clock)
}

class OpenTelemetryBridge implements Telemetry {
  readonly #api: OpenTelemetryApi
  readonly #clock: Clock
  readonly #tracer: OpenTelemetryTracer
  readonly #operationDuration: OpenTelemetryHistogram
  readonly #processDuration: OpenTelemetryHistogram
  readonly #sent: OpenTelemetryCounter
  readonly #consumed: OpenTelemetryCounter

  constructor(api: OpenTelemetryApi, clock: Clock) {
    this.#api = api
    this.#clock = clock
    this.#tracer = api.trace.getTracer(names.scope)
    const meter = api.metrics.getMeter(names.scope)
    this.#operationDuration = durationOf(meter, names.metric.operationDuration)
    this.#processDuration = durationOf(meter, names.metric.processDuration)
    this.#sent = meter.createCounter(names.metric.sent.name, describedBy(names.metric.sent))
    this.#consumed = meter.createCounter(names.metric.consumed.name, describedBy(names.metric.consumed))
  }

  sending(about: SendDescription, headers: Record<string, string>): SendObservation {
    const { trace, context, propagation, SpanKind } = this.#api
    const parent = context.active()
    const common = commonOf(about, 'send', operationType.send)
    const attributes = { ...common, [attribute.messageId]: about.id, [attribute.bodyBytes]: about.bytes }
    const { waitedMs = 0 } = about
    const options = { kind: SpanKind.PRODUCER, attributes, ...this.#since(waitedMs) }
    const span = this.#tracer.startSpan(`send ${about.channel}`, options, parent)
    if (headers['traceparent'] === undefined) propagation.inject(trace.setSpan(parent, span), headers)
    return this.#observe(span, this.#operationDuration, common, waitedMs, this.#sent)
  }

  received(about: ReceiveDescription): void {
    const { id, headers, count = 1 } = about
    const common = commonOf(about, 'receive', operationType.receive)
    const attributes = { ...common }
    if (id !== undefined) attributes[attribute.messageId] = id
    if (count > 1) attributes[attribute.batchCount] = count
    const origins = this.#originsOf(headers === undefined ? [] : [headers])
    this.#startClient(`receive ${about.channel}`, attributes, origins, 0).end()
    this.#consumed.add(count, common)
    this.#operationDuration.record(0, common)
  }

  processing(about: ProcessDescription): ProcessObservation {
    const { trace, context, SpanKind } = this.#api
    const { batch, headers, id } = about
    const common = commonOf(about, 'process', operationType.process)
    const attributes: OpenTelemetryAttributes = {
      ...common,
      [attribute.bodyBytes]: about.bytes,
      [attribute.attempt]: about.attempt,
    }
    if (id !== undefined) attributes[attribute.messageId] = id
    if (batch !== undefined) attributes[attribute.batchCount] = batch.length
    const parent = headers === undefined ? context.active() : this.#extract(headers)
    const links = this.#originsOf(batch ?? (headers === undefined ? [] : [headers]))
    const options = { kind: SpanKind.CONSUMER, attributes, links }
    const span = this.#tracer.startSpan(`process ${about.channel}`, options, parent)
    const within = trace.setSpan(parent, span)
    const { end } = this.#observe(span, this.#processDuration, common, 0)
    return { run: (work) => context.with(within, work), end }
  }

  settled(about: SettleDescription): void {
    const { outcome, error, headers, durationMs = 0 } = about
    const common = commonOf(about, outcome, operationType.settle)
    const attributes = { ...common, [attribute.messageId]: about.id }
    const origins = this.#originsOf(headers === undefined ? [] : [headers])
    const span = this.#startClient(`${outcome} ${about.channel}`, attributes, origins, durationMs)
    if (error !== undefined) this.#fail(span, common, error)
    span.end()
    this.#operationDuration.record(durationMs / 1000, common)
  }

  #startClient(
    name: string,
    attributes: OpenTelemetryAttributes,
    links: { context: OpenTelemetrySpanContext }[],
    durationMs: number,
  ): OpenTelemetrySpan {
    const { context, SpanKind } = this.#api
    const options = { kind: SpanKind.CLIENT, attributes, links, ...this.#since(durationMs) }
    return this.#tracer.startSpan(name, options, context.active())
  }

  /** For what began before its span could. */
  #since(elapsedMs: number): { startTime?: number } {
    return elapsedMs === 0 ? {} : { startTime: this.#clock.now() - elapsedMs }
  }

  /** Ends the span once, with what its duration is to be counted under. */
  #observe(
    span: OpenTelemetrySpan,
    duration: OpenTelemetryHistogram,
    common: OpenTelemetryAttributes,
    elapsedMs: number,
    counter?: OpenTelemetryCounter,
  ): SendObservation {
    const startedAt = this.#clock.monotonic() - elapsedMs
    return {
      end: (error) => {
        if (error !== undefined) this.#fail(span, common, error)
        span.end()
        counter?.add(1, common)
        duration.record((this.#clock.monotonic() - startedAt) / 1000, common)
      },
    }
  }

  #fail(span: OpenTelemetrySpan, common: OpenTelemetryAttributes, error: unknown): void {
    const { type, message } = describeError(error)
    const errorType = MessagingError.is(error) ? error.code : type
    common[attribute.errorType] = errorType
    span.setAttribute(attribute.errorType, errorType)
    span.setStatus({ code: this.#api.SpanStatusCode.ERROR, message })
  }

  #originsOf(all: readonly Headers[]): { context: OpenTelemetrySpanContext }[] {
    const origins: { context: OpenTelemetrySpanContext }[] = []
    for (const headers of all) {
      const context = this.#originOf(headers)
      if (context !== undefined) origins.push({ context })
    }
    return origins
  }

  /** A message that carries no trace must not be linked to whatever span happens to be active here. */
  #originOf(headers: Headers): OpenTelemetrySpanContext | undefined {
    const { trace, context } = this.#api
    const origin = trace.getSpanContext(this.#extract(headers))
    const active = trace.getSpanContext(context.active())
    return origin === active ? undefined : origin
  }

  #extract(headers: Headers): OpenTelemetryContext {
    return this.#api.propagation.extract(this.#api.context.active(), headers)
  }
}

function commonOf(
  about: { readonly system: string; readonly channel: string; readonly group?: string | undefined },
  name: string,
  type: string,
): OpenTelemetryAttributes {
  const attributes: OpenTelemetryAttributes = {
    [attribute.system]: about.system,
    [attribute.operationName]: name,
    [attribute.operationType]: type,
    [attribute.destination]: about.channel,
  }
  if (about.group !== undefined) attributes[attribute.group] = about.group
  return attributes
}

function describedBy({ unit, description }: { unit: string; description: string }) {
  return { unit, description }
}

function durationOf(
  meter: OpenTelemetryMeter,
  metric: { name: string; unit: string; description: string },
): OpenTelemetryHistogram {
  const advice = { explicitBucketBoundaries: [...names.durationBuckets] }
  return meter.createHistogram(metric.name, { ...describedBy(metric), advice })
}
