/**
 * Every name that appears in traces and metrics, in one place.
 *
 * OpenTelemetry semantic conventions for messaging as of 1.45 (development status), where `messaging.system` has become
 * `messaging.system.name`. What they have no word for is under `waybill.`.
 * https://opentelemetry.io/docs/specs/semconv/messaging/messaging-spans/
 * https://opentelemetry.io/docs/specs/semconv/messaging/messaging-metrics/
 *
 * Conformance: OBS-01, OBS-02.
 */
export const telemetryNames = {
  /** Of the tracer and of the meter. */
  scope: '@waybill/core',
  attribute: {
    system: 'messaging.system.name',
    operationName: 'messaging.operation.name',
    operationType: 'messaging.operation.type',
    destination: 'messaging.destination.name',
    group: 'messaging.consumer.group.name',
    messageId: 'messaging.message.id',
    bodyBytes: 'messaging.message.body.size',
    batchCount: 'messaging.batch.message_count',
    errorType: 'error.type',
    /** 1 on the first run. */
    attempt: 'waybill.message.attempt',
  },
  operationType: {
    send: 'send',
    receive: 'receive',
    process: 'process',
    settle: 'settle',
  },
  metric: {
    operationDuration: {
      name: 'messaging.client.operation.duration',
      unit: 's',
      description: 'Duration of messaging operation initiated by a producer or consumer client.',
    },
    sent: {
      name: 'messaging.client.sent.messages',
      unit: '{message}',
      description: 'Number of messages producer attempted to send to the broker.',
    },
    consumed: {
      name: 'messaging.client.consumed.messages',
      unit: '{message}',
      description: 'Number of messages that were delivered to the application.',
    },
    processDuration: {
      name: 'messaging.process.duration',
      unit: 's',
      description: 'Duration of processing operation.',
    },
  },
  /** Bucket boundaries of both durations, in seconds, as the conventions advise. */
  durationBuckets: [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10],
} as const
