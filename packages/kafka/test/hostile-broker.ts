import { connect, type Socket } from 'node:net'
import { endless, noise, type Readdressing, readdress, startHostileServer } from '@waybill/brokers'
import type { HostileBroker } from '@waybill/conformance'

const zeros = Buffer.alloc(65_536)
/** https://kafka.apache.org/protocol#protocol_api_keys */
const fetchKey = 1

/** What it says to a request, of which only the first bytes are looked at. */
type Talk = (request: Buffer) => Iterable<Buffer>

interface Attack {
  /** Instead of the first answer of all, or of the first to a fetch. Before that it is a broker like any other. */
  readonly at: 'greeting' | 'fetch'
  readonly talk: Talk
  readonly everyMs?: number
}

function sized(size: number, content = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(4)
  head.writeUInt32BE(size)
  return Buffer.concat([head, content])
}

/** A whole answer to that request, or to none. */
const answer = (content: Buffer, request: Buffer = Buffer.alloc(12, 0x7f)): Buffer =>
  sized(content.length + 4, Buffer.concat([request.subarray(8, 12), content]))

const huge: Talk = () => endless(sized(0xffff_ffff, zeros), zeros)
const large: Talk = () => endless(sized(60 << 20, zeros), zeros)
const garbage: Talk = () => endless(noise(65_536, 7), noise(65_536, 9))

/** What it does instead of being a broker. */
export const attacks: { readonly [name: string]: Attack } = {
  'a greeting of 4 GiB': { at: 'greeting', talk: huge },
  'a greeting of 60 MiB': { at: 'greeting', talk: large },
  'garbage for a greeting': { at: 'greeting', talk: garbage },
  'garbage in a greeting': { at: 'greeting', talk: (request) => [answer(noise(60_000, 3), request)] },
  'a greeting that drips': { at: 'greeting', everyMs: 40, talk: () => endless(sized(4_000), Buffer.alloc(1)) },
  'another protocol': { at: 'greeting', talk: () => [Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n')] },
  'records of 4 GiB': { at: 'fetch', talk: huge },
  'records of 60 MiB': { at: 'fetch', talk: large },
  'garbage for records': { at: 'fetch', talk: garbage },
  'garbage in records': { at: 'fetch', talk: (request) => [answer(noise(60_000, 3), request)] },
  'counts of 4 billion in records': { at: 'fetch', talk: (request) => [answer(Buffer.alloc(60_000, 0xff), request)] },
  'records that nobody asked for': {
    at: 'fetch',
    talk: () => endless(answer(noise(60_000, 3)), answer(noise(60_000, 5))),
  },
}

/** A server that is the broker at `url` until it does what `attack` says. */
export async function startHostileBroker(attack: string, url: string): Promise<HostileBroker> {
  const { at, talk, everyMs = 0 } = attacks[attack] as Attack
  const { hostname: host, port } = new URL(url)
  const server = await startHostileServer({
    host,
    everyMs,
    onClient(client, pour) {
      const attackNow = (request: Buffer): void => pour(talk(request))
      if (at === 'greeting') client.once('data', attackNow).resume()
      else passOn(client, { host, from: Number(port), to: server.port }, attackNow)
    },
  })
  return {
    url: `kafka://${host}:${server.port}?connectTimeoutMs=1000&heartbeatMs=1000`,
    get attacked() {
      return server.attacked
    },
    get left() {
      return server.left
    },
    close: () => server.close(),
  }
}

/** To the broker and back, up to the first fetch. kafkajs writes each request in one piece. */
function passOn(client: Socket, where: Readdressing, onFetch: (request: Buffer) => void): void {
  const broker = connect(where.from, where.host)
  const rewrite = readdress(where)
  client.on('close', () => broker.destroy())
  broker.on('error', () => client.destroy())
  broker.on('data', (bytes: Buffer) => {
    rewrite(bytes)
    client.write(bytes)
  })
  client.on('data', (request: Buffer) => {
    if (request.readInt16BE(4) !== fetchKey) return void broker.write(request)
    broker.removeAllListeners('data').destroy()
    onFetch(request)
  })
}
