import { MessagingError, type Claim, type ErrorCode, type IdempotencyStore } from '@waybill/core'

export interface RemoteStoreOptions {
  /** Of a served store. */
  readonly url: string
  readonly retentionMs: number
  /** How this process names itself there. */
  readonly caller: string
}

/** Calls what a served store answers. Rejects when it cannot be reached. */
export async function callStore(
  { url, caller }: Pick<RemoteStoreOptions, 'url' | 'caller'>,
  name: string,
  body: unknown,
): Promise<unknown> {
  const headers = { 'content-type': 'application/json', 'x-caller': caller }
  const response = await fetch(`${url}/${name}`, { method: 'POST', headers, body: JSON.stringify(body) })
  const { answer, code, message } = (await response.json()) as { answer: unknown; code?: ErrorCode; message: string }
  if (response.ok) return answer
  throw new MessagingError(code ?? 'unavailable', message)
}

/** The store that another process serves. */
export function remoteStore(options: RemoteStoreOptions): IdempotencyStore {
  const call = (name: string, body: unknown): Promise<unknown> => callStore(options, name, body)
  return {
    retentionMs: options.retentionMs,
    claim: async (request) => (await call('claim', request)) as Claim,
    renew: async (holder, leaseMs) => (await call('renew', { holder, leaseMs })) as boolean,
    complete: async (holder) => (await call('complete', holder)) as boolean,
    release: async (holder) => (await call('release', holder)) as boolean,
  }
}
