import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'

interface Place {
  readonly host: string
  readonly port: number
}

/** A way to the broker that can keep things to itself. Clients that the broker tells its address come here again. */
export class SilentProxy {
  readonly #server: Server
  readonly #pairs = new Set<readonly [client: Socket, broker: Socket]>()
  readonly #broker: Place
  /** How many bytes of answers were swallowed. */
  swallowed = 0
  isSilent = false
  /** Swallows what clients say. */
  isDeaf = false

  private constructor(broker: Place) {
    this.#broker = broker
    this.#server = createServer((client) => this.#accept(client))
  }

  static async open(brokerUrl: string): Promise<SilentProxy> {
    const { hostname, port } = new URL(brokerUrl.replace(/^kafka:/, 'http:'))
    const proxy = new SilentProxy({ host: hostname, port: Number(port) })
    await new Promise<void>((resolve) => proxy.#server.listen(0, hostname, resolve))
    return proxy
  }

  get url(): string {
    return `kafka://${this.#broker.host}:${this.#port}`
  }

  /** Says goodbye to all who are connected, as a broker that stops does. */
  hangUp(): void {
    for (const [client, broker] of this.#pairs) {
      client.end()
      broker.destroy()
    }
  }

  reset(): void {
    for (const [client] of this.#pairs) client.resetAndDestroy()
  }

  close(): void {
    this.#server.close()
    for (const [client] of this.#pairs) client.destroy()
  }

  get #port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  #accept(client: Socket): void {
    const broker = connect(this.#broker)
    const pair = [client, broker] as const
    this.#pairs.add(pair)
    client.on('data', (bytes) => {
      if (!this.isDeaf) broker.write(bytes)
    })
    broker.on('data', (bytes) => {
      if (this.isSilent) this.swallowed += bytes.byteLength
      else client.write(this.#redirected(bytes))
    })
    for (const socket of pair) {
      socket.on('error', () => {})
      socket.on('close', () => {
        this.#pairs.delete(pair)
        for (const each of pair) each.destroy()
      })
    }
  }

  /** With our port wherever the broker says where it is: its host, and the port as four bytes. */
  #redirected(bytes: Buffer): Buffer {
    const place = Buffer.from(`${this.#broker.host}\0\0\0\0`)
    const end = place.writeInt32BE(this.#broker.port, place.length - 4)
    for (let found = bytes.indexOf(place); found >= 0; found = bytes.indexOf(place, found + 1)) {
      bytes.writeInt32BE(this.#port, found + end - 4)
    }
    return bytes
  }
}
