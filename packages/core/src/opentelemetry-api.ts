/**
 * The part of the `@opentelemetry/api` module (1.x) that the bridge uses, so that the core does not depend on it.
 * The module as imported fits: `import * as api from '@opentelemetry/api'`.
 */
export interface OpenTelemetryApi {
  readonly trace: {
    getTracer(name: string): OpenTelemetryTracer
    setSpan(context: OpenTelemetryContext, span: OpenTelemetrySpan): OpenTelemetryContext
    getSpanContext(context: OpenTelemetryContext): OpenTelemetrySpanContext | undefined
  }
  readonly context: {
    active(): OpenTelemetryContext
    with<R>(context: OpenTelemetryContext, work: () => R): R
  }
  readonly propagation: {
    inject(context: OpenTelemetryContext, carrier: object): void
    extract(context: OpenTelemetryContext, carrier: object): OpenTelemetryContext
  }
  readonly metrics: { getMeter(name: string): OpenTelemetryMeter }
  readonly SpanKind: { readonly PRODUCER: number; readonly CONSUMER: number; readonly CLIENT: number }
  readonly SpanStatusCode: { readonly ERROR: number }
}

export interface OpenTelemetryContext {
  getValue(key: symbol): unknown
}

export interface OpenTelemetrySpanContext {
  readonly traceId: string
  readonly spanId: string
  readonly traceFlags: number
}

export interface OpenTelemetryTracer {
  startSpan(name: string, options?: OpenTelemetrySpanOptions, context?: OpenTelemetryContext): OpenTelemetrySpan
}

export interface OpenTelemetrySpanOptions {
  kind: number
  attributes: OpenTelemetryAttributes
  links?: { context: OpenTelemetrySpanContext }[]
  /** Milliseconds since the epoch. */
  startTime?: number
}

export type OpenTelemetryAttributes = { [name: string]: string | number }

export interface OpenTelemetrySpan {
  spanContext(): OpenTelemetrySpanContext
  setAttribute(name: string, value: string): unknown
  setStatus(status: { code: number; message?: string }): unknown
  end(): void
}

export interface OpenTelemetryMeter {
  createCounter(name: string, options: { unit: string; description: string }): OpenTelemetryCounter
  createHistogram(
    name: string,
    options: { unit: string; description: string; advice: { explicitBucketBoundaries: number[] } },
  ): OpenTelemetryHistogram
}

export interface OpenTelemetryCounter {
  add(value: number, attributes: OpenTelemetryAttributes): void
}

export interface OpenTelemetryHistogram {
  record(value: number, attributes: OpenTelemetryAttributes): void
}
