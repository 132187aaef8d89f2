import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

export interface EchoServer extends AsyncDisposable {
  readonly port: number
  readonly open: Set<Socket>
  readonly received: number
  /** Errors of its connections, by code. */
  readonly errors: string[]
}

export async function startEchoServer(answer: 'echo' | 'neverRead' = 'echo'): Promise<EchoServer> {
  const open = new Set<Socket>()
  const errors: string[] = []
  let received = 0
  const server = createServer((socket) => {
    open.add(socket)
    socket.on('close', () => open.delete(socket))
    socket.on('error', (error: NodeJS.ErrnoException) => errors.push(error.code ?? error.message))
    if (answer === 'neverRead') return void socket.pause()
    socket.on('data', (bytes: Buffer) => {
      received += bytes.length
      socket.write(bytes)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    open,
    errors,
    get received() {
      return received
    },
    async [Symbol.asyncDispose]() {
      server.close()
      for (const socket of open) socket.destroy()
    },
  }
}

export interface EchoClient {
  readonly socket: Socket
  readonly received: () => string
  readonly ended: () => boolean
  /** What ended the connection: an error code, or `closed`. */
  readonly over: Promise<string>
}

/** Rejects with the error's code when the connection is refused. */
export async function connectClient(port: number): Promise<EchoClient> {
  const socket = connect(port, '127.0.0.1')
  let text = ''
  let ended = false
  socket.setEncoding('latin1').on('data', (bytes: string) => {
    text += bytes
  })
  socket.on('end', () => {
    ended = true
  })
  const over = new Promise<string>((resolve) => {
    socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
    socket.on('close', () => resolve('closed'))
  })
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve)
    socket.once('error', (error: NodeJS.ErrnoException) => reject(new Error(error.code)))
  })
  return { socket, received: () => text, ended: () => ended, over }
}
