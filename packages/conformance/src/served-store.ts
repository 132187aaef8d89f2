import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { ClaimHolder, ClaimRequest, IdempotencyStore } from '@waybill/core'

/** One call of another process, as JSON. */
export interface Call {
  /** `claim`, `renew`, `complete`, `release`, or what else `answer` knows. */
  readonly name: string
  /** Who calls: as the caller named itself. */
  readonly caller: string
  readonly body: unknown
}

export interface ServedStoreOptions {
  readonly store: IdempotencyStore
  /** Answers calls that are not the store's. */
  answer?(call: Call): Promise<unknown>
  /** Is told of each call, before it has an effect and after it had one. False: the caller never hears of it again. */
  reached?(when: 'before' | 'after', call: Call, answer?: unknown): boolean
}

/** A store for other processes: what a database would be, outside of those that are killed. */
export interface ServedStore {
  readonly url: string
  close(): Promise<void>
}

export async function serveStore(options: ServedStoreOptions): Promise<ServedStore> {
  const server = createServer((request, response) => void serve(request, response, options))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, close: () => closed(server) }
}

async function serve(request: IncomingMessage, response: ServerResponse, options: ServedStoreOptions): Promise<void> {
  const { reached = () => true } = options
  try {
    const caller = String(request.headers['x-caller'] ?? '')
    const call = { name: (request.url ?? '').slice(1), caller, body: await bodyOf(request) }
    if (!reached('before', call)) return void request.destroy()
    const answer = await answerTo(call, options)
    if (!reached('after', call, answer)) return void request.destroy()
    response.end(JSON.stringify({ answer }))
  } catch (error) {
    // The store's own words: a refused argument must read the same on the other side.
    response.statusCode = 500
    response.end(JSON.stringify({ code: (error as { code?: string }).code, message: String((error as Error).message) }))
  }
}

function answerTo(call: Call, { store, answer }: ServedStoreOptions): Promise<unknown> {
  switch (call.name) {
    case 'claim':
      return store.claim(call.body as ClaimRequest)
    case 'renew': {
      const { holder, leaseMs } = call.body as { holder: ClaimHolder; leaseMs: number }
      return store.renew(holder, leaseMs)
    }
    case 'complete':
      return store.complete(call.body as ClaimHolder)
    case 'release':
      return store.release(call.body as ClaimHolder)
  }
  if (answer === undefined) throw new Error(`no call named ${call.name}`)
  return answer(call)
}

async function bodyOf(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return JSON.parse(Buffer.concat(chunks).toString('utf8'))
}

function closed(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve())
    server.closeAllConnections()
  })
}
