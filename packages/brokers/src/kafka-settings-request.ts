import { BrokerError } from './broker-error.ts'

/** A setting that a broker takes while it runs; `null` returns it to what it was at the start. */
export interface BrokerSetting {
  readonly nodeId: string
  readonly name: string
  readonly value: string | null
}

/** https://kafka.apache.org/protocol#The_Messages_IncrementalAlterConfigs */
const incrementalAlterConfigs = 44
const brokerResource = 4
const operations = { set: 0, delete: 1 } as const
/** Size, correlation, throttling, count of resources, and the error code of the first. */
const answerBytes = 18

/** What `kafka.admin.ConfigCommand` would send, after seconds of a Java start. */
function settingRequest({ nodeId, name, value }: BrokerSetting): Buffer {
  const body = Buffer.concat([
    int(2, incrementalAlterConfigs),
    int(2, 0),
    int(4, 1),
    text('waybill'),
    int(4, 1),
    int(1, brokerResource),
    text(nodeId),
    int(4, 1),
    text(name),
    int(1, value === null ? operations.delete : operations.set),
    value === null ? int(2, -1) : text(value),
    int(1, 0),
  ])
  return Buffer.concat([int(4, body.length), body])
}

/** A line of bash that sends it on file descriptor 5, and writes the error code of the answer as two numbers. */
export function sendSetting(setting: BrokerSetting): string {
  const escaped = [...settingRequest(setting)].map((byte) => `\\x${byte.toString(16).padStart(2, '0')}`)
  return `printf '${escaped.join('')}' >&5; head -c ${answerBytes} <&5 | od -An -v -tu1 | tr -s ' \\n' '  ' | cut -d' ' -f18,19`
}

/**
 * Checks what the lines of `sendSetting` have written.
 *
 * @throws `commandFailed` with Kafka's number of the error
 */
export function checkAnswers(output: string, count: number): void {
  const codes = output.trim().split('\n')
  const wrong = codes.find((code) => code.trim() !== '0 0')
  if (codes.length === count && wrong === undefined) return
  throw new BrokerError('commandFailed', `Kafka refuses to change its settings: ${wrong ?? 'no answer'}`)
}

function int(bytes: 1 | 2 | 4, value: number): Buffer {
  const written = Buffer.alloc(bytes)
  written.writeIntBE(value, 0, bytes)
  return written
}

function text(value: string): Buffer {
  return Buffer.concat([int(2, Buffer.byteLength(value)), Buffer.from(value)])
}
