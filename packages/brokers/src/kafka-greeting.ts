import { connect, isIP, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { BrokerError } from './broker-error.ts'
import { eventually, within } from './deadline.ts'

const answerDeadlineMs = 5_000
const readyDeadlineMs = 60_000
const largestAnswer = 1_048_576

/** The first release whose brokers know a level of the feature `metadata.version`, as Kafka's `MetadataVersion` lists them. */
const releases: readonly (readonly [level: number, release: string])[] = [
  [7, '3.3'],
  [8, '3.4'],
  [9, '3.5'],
  [12, '3.6'],
  [15, '3.7'],
  [20, '3.8'],
  [21, '3.9'],
  [22, '4.0'],
  [26, '4.1'],
  [28, '4.2'],
  [30, '4.3'],
  [31, '4.4'],
]

/**
 * Asks a broker what it knows (ApiVersions) and resolves to its release as far as that tells: `4.1`.
 *
 * Brokers answer this before anybody has logged in. The certificate of a `kafkas:` address is not checked, since nothing secret
 * is sent. Of several brokers in the address, the first is asked.
 */
export async function kafkaRelease(url: string): Promise<string> {
  const answer = await ask(url, { key: 18, version: 3, body: Buffer.from('\0\x08waybill\x021\0', 'latin1') })
  const name = Buffer.from('\x11metadata.version', 'latin1')
  const at = answer.indexOf(name)
  if (at < 0 || at + name.length + 4 > answer.length) return 'unknown'
  const level = answer.readInt16BE(at + name.length + 2)
  return releases.findLast(([first]) => first <= level)?.[1] ?? 'unknown'
}

/**
 * Asks who coordinates a group (FindCoordinator); resolves to whether there is one, on a listener that asks for no credentials.
 *
 * A broker that answers is not yet one that serves: the controller has to let it in, and the first to ask makes it create the
 * topic of the groups' offsets, without which no group can be joined.
 */
async function hasCoordinator(url: string): Promise<boolean> {
  const answer = await ask(url, { key: 10, version: 0, body: Buffer.from('\0\x07waybill', 'latin1') })
  return answer.readInt16BE(8) === 0
}

/** Resolves once clients of the broker at `url` can send, and join groups. */
export function serving(url: string): Promise<true> {
  return eventually(`Kafka serving at ${new URL(url).host}`, readyDeadlineMs, async () => {
    return (await hasCoordinator(url)) ? true : undefined
  })
}

/** An address where the engine gives the name: a fault proxy listens on that, and clients must not prefer another. */
export function clientHost(host: string): string {
  return host === 'localhost' ? '127.0.0.1' : host
}

/** The address of the first broker, without what a URL of several would make unreadable. */
export function firstBroker(url: string): URL {
  return new URL(url.replace(/^([a-z]+:\/\/(?:[^@/]*@)?[^,/?#]+),[^/?#]*/i, '$1'))
}

interface KafkaRequest {
  readonly key: number
  readonly version: number
  /** What follows the client's name in the header, and the body. */
  readonly body: Buffer
}

async function ask(url: string, request: KafkaRequest): Promise<Buffer> {
  const { protocol, hostname, port } = firstBroker(url)
  const host = hostname.replace(/^\[(.*)\]$/, '$1')
  const address = { host, port: Number(port || 9092) }
  const name = isIP(host) > 0 ? {} : { servername: host }
  const socket =
    protocol === 'kafkas:' ? connectTls({ ...address, ...name, rejectUnauthorized: false }) : connect(address)
  try {
    return await within(`Kafka's answer at ${host}:${address.port}`, answerDeadlineMs, answerTo(socket, frame(request)))
  } finally {
    socket.destroy()
  }
}

/** Size, kind and version of the request, a number to match the answer by, and no name of the client. */
function frame({ key, version, body }: KafkaRequest): Buffer {
  const header = Buffer.alloc(14)
  header.writeInt32BE(10 + body.length, 0)
  header.writeInt16BE(key, 4)
  header.writeInt16BE(version, 6)
  header.writeInt32BE(1, 8)
  header.writeInt16BE(-1, 12)
  return Buffer.concat([header, body])
}

function answerTo(socket: Socket, request: Buffer): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    let received = Buffer.alloc(0)
    socket.on('error', reject)
    socket.on('close', () => reject(new BrokerError('startFailed', 'the connection closed before an answer')))
    socket.on('data', (bytes: Buffer) => {
      received = Buffer.concat([received, bytes])
      if (received.length < 10) return
      const end = received.readInt32BE(0) + 4
      if (end < 10 || end > largestAnswer || received.readInt32BE(4) !== 1)
        reject(new BrokerError('startFailed', 'what answers does not speak Kafka'))
      else if (received.length >= end) resolve(received.subarray(0, end))
    })
    socket.write(request)
  })
}
