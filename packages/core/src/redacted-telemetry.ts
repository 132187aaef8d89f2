import type { SecretRedactor } from './secrets.ts'
import type { Telemetry } from './telemetry.ts'

/** The same telemetry, told of errors only after their secrets were removed. Conformance: ERR-03. */
export function redactedTelemetry(telemetry: Telemetry, redactor: SecretRedactor): Telemetry {
  const clean = (error: unknown): unknown => (error === undefined ? undefined : redactor.redactError(error))
  return {
    sending(about, headers) {
      const observation = telemetry.sending(about, headers)
      return { end: (error) => observation.end(clean(error)) }
    },
    received: (about) => telemetry.received(about),
    processing(about) {
      const observation = telemetry.processing(about)
      return { run: (work) => observation.run(work), end: (error) => observation.end(clean(error)) }
    },
    settled: (about) => telemetry.settled(about.error === undefined ? about : { ...about, error: clean(about.error) }),
  }
}
