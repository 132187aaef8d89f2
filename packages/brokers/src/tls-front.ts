import { type AddressInfo, connect, type Socket } from 'node:net'
import { createServer } from 'node:tls'
import type { Certificate } from './certificates.ts'

/** A TLS listener that shows a chosen certificate in front of a broker's plain port. */
export interface TlsFront extends AsyncDisposable {
  readonly port: number
  /** Handshakes that clients completed: 0 when every client refused the certificate. */
  readonly accepted: number
  close(): Promise<void>
}

/** Terminates TLS with `certificate` on `127.0.0.1` and passes the plain bytes on to `target`. */
export async function startTlsFront(options: {
  readonly target: { readonly host: string; readonly port: number }
  readonly certificate: Certificate
}): Promise<TlsFront> {
  const open = new Set<Socket>()
  let accepted = 0
  const server = createServer({ ...options.certificate }, (client) => {
    accepted += 1
    const upstream = connect(options.target)
    client.on('error', () => upstream.destroy()).on('close', () => upstream.destroy())
    upstream.on('error', () => client.destroy()).on('close', () => client.destroy())
    client.pipe(upstream).pipe(client)
  })
  server.on('connection', (socket: Socket) => {
    open.add(socket)
    socket.on('error', () => {}).on('close', () => open.delete(socket))
  })
  server.on('tlsClientError', () => {})
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen({ host: '127.0.0.1', port: 0 }, resolve)
  })
  const close = async (): Promise<void> => {
    server.close()
    for (const socket of open) socket.destroy()
  }
  return {
    port: (server.address() as AddressInfo).port,
    get accepted() {
      return accepted
    },
    close,
    [Symbol.asyncDispose]: close,
  }
}
