import { AsyncLocalStorage } from 'node:async_hooks'
import type { OpenTelemetryApi } from '@waybill/core'

type Api = OpenTelemetryApi
type Context = ReturnType<Api['context']['active']>
type Tracer = ReturnType<Api['trace']['getTracer']>
type Span = ReturnType<Tracer['startSpan']>
type Meter = ReturnType<Api['metrics']['getMeter']>
type SpanOptions = NonNullable<Parameters<Tracer['startSpan']>[1]>
type Attributes = NonNullable<SpanOptions['attributes']>

export interface RecordedSpan {
  readonly name: string
  readonly kind: 'PRODUCER' | 'CONSUMER' | 'CLIENT'
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId: string | undefined
  readonly attributes: Attributes
  readonly links: readonly string[]
  status: { readonly code: number; readonly message?: string } | undefined
  /** How often it was ended. */
  ends: number
}

export interface Measurement {
  readonly name: string
  readonly unit: string
  readonly value: number
  readonly attributes: Attributes
}

const kinds = { PRODUCER: 3, CONSUMER: 4, CLIENT: 2 }
const names = new Map(Object.entries(kinds).map(([name, kind]) => [kind, name as RecordedSpan['kind']]))

class Scope implements Context {
  readonly span: Span | undefined

  constructor(span: Span | undefined) {
    this.span = span
  }

  getValue(): undefined {}
}

/**
 * What an application's OpenTelemetry would get: every span and measurement, kept in memory, with W3C trace context on
 * the wire. It has the shape of `@opentelemetry/api`, which the kit does not depend on.
 */
export class TelemetryRecorder {
  readonly spans: RecordedSpan[] = []
  readonly measurements: Measurement[] = []
  readonly #active = new AsyncLocalStorage<Scope>()
  readonly #root = new Scope(undefined)
  #ids = 0

  readonly api: Api = {
    SpanKind: kinds,
    SpanStatusCode: { ERROR: 2 },
    trace: {
      getTracer: () => ({
        startSpan: (name, options = { kind: kinds.CLIENT, attributes: {} }, parent = this.api.context.active()) =>
          this.#start(name, options, parent),
      }),
      setSpan: (_, span) => new Scope(span),
      getSpanContext: (context) => (context as Scope).span?.spanContext(),
    },
    context: {
      active: () => this.#active.getStore() ?? this.#root,
      with: (context, work) => this.#active.run(context as Scope, work),
    },
    propagation: {
      inject(context, carrier) {
        const origin = (context as Scope).span?.spanContext()
        if (origin !== undefined) Object.assign(carrier, { traceparent: `00-${origin.traceId}-${origin.spanId}-01` })
      },
      extract(context, carrier) {
        const [, traceId, spanId] = /^00-([0-9a-f]{32})-([0-9a-f]{16})-/.exec(textIn(carrier, 'traceparent')) ?? []
        if (traceId === undefined || spanId === undefined) return context
        return new Scope(remoteSpan({ traceId, spanId, traceFlags: 1 }))
      },
    },
    metrics: { getMeter: () => this.#meter() },
  }

  /** Runs `work` as part of a span of the application's own; answers its span id with what `work` gave. */
  async within<T>(name: string, work: () => Promise<T>): Promise<{ readonly spanId: string; readonly result: T }> {
    const span = this.#start(name, { kind: kinds.CLIENT, attributes: {} }, this.api.context.active())
    const result = await this.#active.run(new Scope(span), work)
    span.end()
    return { spanId: span.spanContext().spanId, result }
  }

  /** The spans whose name begins so. */
  named(prefix: string): readonly RecordedSpan[] {
    return this.spans.filter(({ name }) => name.startsWith(prefix))
  }

  measured(name: string): readonly Measurement[] {
    return this.measurements.filter((each) => each.name === name)
  }

  #start(name: string, { kind, attributes, links = [] }: SpanOptions, parent: Context): Span {
    const origin = (parent as Scope).span?.spanContext()
    const spanId = (++this.#ids).toString(16).padStart(16, '0')
    const traceId = origin?.traceId ?? spanId.padStart(32, 'a')
    const recorded: RecordedSpan = {
      ...{ name, traceId, spanId, parentSpanId: origin?.spanId, kind: names.get(kind) ?? 'CLIENT', ends: 0 },
      attributes: { ...attributes },
      links: links.map(({ context }) => context.spanId),
      status: undefined,
    }
    this.spans.push(recorded)
    return {
      spanContext: () => ({ traceId, spanId, traceFlags: 1 }),
      setAttribute: (attribute, value) => void (recorded.attributes[attribute] = value),
      setStatus: (status) => void (recorded.status = status),
      end: () => void recorded.ends++,
    }
  }

  #meter(): Meter {
    const record = (name: string, unit: string) => (value: number, attributes: Attributes) =>
      void this.measurements.push({ name, unit, value, attributes: { ...attributes } })
    return {
      createCounter: (name, { unit }) => ({ add: record(name, unit) }),
      createHistogram: (name, { unit }) => ({ record: record(name, unit) }),
    }
  }
}

function remoteSpan(origin: ReturnType<Span['spanContext']>): Span {
  return { spanContext: () => origin, setAttribute() {}, setStatus() {}, end() {} }
}

function textIn(carrier: object, name: string): string {
  const value: unknown = (carrier as { readonly [name: string]: unknown })[name]
  return typeof value === 'string' ? value : ''
}
