import { type Socket, connect } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { BrokerError } from './broker-error.ts'
import { within } from './deadline.ts'

const protocolHeader = Buffer.from('AMQP\0\0\x09\x01', 'latin1')
const greetingDeadlineMs = 5_000

/**
 * Opens an AMQP 0-9-1 connection up to the broker's first frame and resolves to the version it states there.
 *
 * A port that accepts is not yet a broker that serves: Docker's own proxy accepts for a broker that is still starting.
 * The certificate of an `amqps:` address is not checked, since nothing but the protocol header is sent.
 */
export async function amqpVersion(url: string): Promise<string> {
  const { protocol, hostname, port } = new URL(url)
  const secure = protocol === 'amqps:'
  const host = hostname.replace(/^\[(.*)\]$/, '$1')
  const address = { host, port: Number(port || (secure ? 5671 : 5672)) }
  const socket = secure ? connectTls({ ...address, servername: host, rejectUnauthorized: false }) : connect(address)
  try {
    return await within(`the AMQP greeting of ${host}:${address.port}`, greetingDeadlineMs, greeting(socket))
  } finally {
    socket.destroy()
  }
}

function greeting(socket: Socket): Promise<string> {
  return new Promise((resolve, reject) => {
    let received = Buffer.alloc(0)
    socket.on('error', reject)
    socket.on('close', () => reject(new BrokerError('startFailed', 'the connection closed before the AMQP greeting')))
    socket.on('data', (bytes: Buffer) => {
      received = Buffer.concat([received, bytes])
      const length = received.length < 7 ? undefined : received.readUInt32BE(3)
      if (length !== undefined && received.length >= length + 8) resolve(versionIn(received))
      else if (received.length > 65_536)
        reject(new BrokerError('startFailed', 'what answers does not speak AMQP 0-9-1'))
    })
    socket.write(protocolHeader)
  })
}

/** The `version` entry of the server properties: a short string as name, `S`, a four-byte length, the text. */
function versionIn(frame: Buffer): string {
  const name = Buffer.from('\x07versionS', 'latin1')
  const at = frame.indexOf(name)
  if (at < 0) return 'unknown'
  const start = at + name.length + 4
  return frame.toString('utf8', start, start + frame.readUInt32BE(start - 4))
}
