/** The HTTP API of RabbitMQ, as far as the probe and the faults need it. */
export interface Management {
  call(method: string, path: string, body?: unknown): Promise<unknown>
  /** All queues, with the counts as far as the broker has them. */
  queues(): Promise<readonly QueueInfo[]>
  exchanges(): Promise<readonly { readonly name: string }[]>
  connections(): Promise<readonly ConnectionInfo[]>
}

export interface QueueInfo {
  readonly name: string
  readonly messages?: number
  readonly messages_ready?: number
  readonly messages_unacknowledged?: number
}

export interface ConnectionInfo {
  readonly client_properties?: { readonly connection_name?: string }
}

/** `url` with credentials, as `@waybill/brokers` gives it. */
export function managementAt(url: string | undefined): Management {
  if (url === undefined) throw new Error('the probe needs the management API: set WAYBILL_RABBITMQ_MANAGEMENT_URL')
  const { username, password, origin } = new URL(url)
  const credentials = Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`)
  const authorization = `Basic ${credentials.toString('base64')}`
  const call: Management['call'] = async (method, path, body) => {
    const answer = await fetch(`${origin}/api/${path}`, {
      method,
      headers: { authorization, 'content-type': 'application/json', connection: 'close' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(15_000),
    })
    const text = await answer.text()
    if (!answer.ok && answer.status !== 404)
      throw new Error(`${method} ${path}: ${answer.status} ${text.slice(0, 300)}`)
    return text === '' || answer.status === 404 ? undefined : JSON.parse(text)
  }
  return {
    call,
    queues: async () => (await call('GET', 'queues/%2F?disable_stats=true&enable_queue_totals=true')) as QueueInfo[],
    exchanges: async () => (await call('GET', 'exchanges/%2F')) as { name: string }[],
    connections: async () => (await call('GET', 'connections')) as ConnectionInfo[],
  }
}
