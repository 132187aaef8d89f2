import { connect, createServer, type Server, type Socket } from 'node:net'
import type { AddressInfo } from 'node:net'
import type { Dial } from '../src/kafkajs-sockets.ts'

/** A way to the broker that can keep answers to itself. */
export class SilentProxy {
  /** To be given to the driver. */
  readonly dial: Dial = (host, port) => {
    this.#to = { host, port }
    return { host: '127.0.0.1', port: (this.#server.address() as AddressInfo).port }
  }
  readonly #server: Server
  readonly #pairs = new Set<readonly [client: Socket, broker: Socket]>()
  #to = { host: '', port: 0 }
  /** How many bytes of answers were swallowed. */
  swallowed = 0
  isSilent = false

  private constructor() {
    this.#server = createServer((client) => this.#accept(client))
  }

  static async open(): Promise<SilentProxy> {
    const proxy = new SilentProxy()
    await new Promise<void>((resolve) => proxy.#server.listen(0, '127.0.0.1', resolve))
    return proxy
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

  #accept(client: Socket): void {
    const broker = connect(this.#to)
    const pair = [client, broker] as const
    this.#pairs.add(pair)
    client.on('data', (bytes) => broker.write(bytes))
    broker.on('data', (bytes) => {
      if (this.isSilent) this.swallowed += bytes.byteLength
      else client.write(bytes)
    })
    for (const socket of pair) {
      socket.on('error', () => {})
      socket.on('close', () => {
        this.#pairs.delete(pair)
        for (const each of pair) each.destroy()
      })
    }
  }
}
