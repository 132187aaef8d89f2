import { BrokerError } from './broker-error.ts'
import type { ContainerHandle } from './container.ts'
import { eventually } from './deadline.ts'

const requestDeadlineMs = 15_000

/** What an operator of RabbitMQ could do; each call resolves when the broker has done it. */
export interface RabbitmqControl {
  /** Runs `rabbitmqctl` in the container and resolves to its output. */
  rabbitmqctl(...args: readonly string[]): Promise<string>
  /** Calls the HTTP API; resolves to the parsed body, if any. Throws `commandFailed` on an HTTP error. */
  management(method: string, path: string, body?: unknown): Promise<unknown>
  /** Raises or clears the memory alarm: publishing connections are blocked while it is on. A restart clears it. */
  setMemoryAlarm(on: boolean): Promise<void>
  /** Closes connections as an operator does (CONNECTION_FORCED, with the reason): those of one user, or all. */
  closeConnections(reason: string, of?: { readonly user: string }): Promise<void>
  /** Makes a user or changes its password and tags; it may do nothing until `setPermissions`. */
  createUser(user: string, password: string, tags?: string): Promise<void>
  /** Deletes a user; RabbitMQ also closes its connections. */
  deleteUser(user: string): Promise<void>
  /** What the user may configure, write and read, as regular expressions over names; everything where not said. */
  setPermissions(user: string, permissions?: RabbitmqPermissions): Promise<void>
  clearPermissions(user: string, vhost?: string): Promise<void>
  createVhost(vhost: string): Promise<void>
  deleteVhost(vhost: string): Promise<void>
}

export interface RabbitmqPermissions {
  /** Default `/`. */
  readonly vhost?: string
  readonly configure?: string
  readonly write?: string
  readonly read?: string
}

/** Controls through `rabbitmqctl` in the container and the HTTP API at `managementUrl`. */
export function rabbitmqControl(container: ContainerHandle, managementUrl: string): RabbitmqControl {
  const rabbitmqctl: RabbitmqControl['rabbitmqctl'] = (...args) => container.exec(['rabbitmqctl', ...args])
  const management: RabbitmqControl['management'] = (method, path, body) =>
    callManagement(managementUrl, method, path, body)
  const name = encodeURIComponent
  return {
    rabbitmqctl,
    management,
    async setMemoryAlarm(on) {
      const alarm = '{resource_limit, memory, node()}'
      await rabbitmqctl('eval', on ? `rabbit_alarm:set_alarm({${alarm}, []}).` : `rabbit_alarm:clear_alarm(${alarm}).`)
      await eventually(`the memory alarm ${on ? 'on' : 'off'}`, requestDeadlineMs, async () => {
        const alarms = await rabbitmqctl('eval', 'rabbit_alarm:get_alarms().')
        return alarms.includes('memory') === on ? true : undefined
      })
    },
    async closeConnections(reason, of) {
      if (of === undefined) await rabbitmqctl('close_all_connections', reason)
      else await rabbitmqctl('close_all_user_connections', of.user, reason)
    },
    async createUser(user, password, tags = '') {
      await management('PUT', `/api/users/${name(user)}`, { password, tags })
    },
    async deleteUser(user) {
      await management('DELETE', `/api/users/${name(user)}`)
    },
    async setPermissions(user, { vhost = '/', configure = '.*', write = '.*', read = '.*' } = {}) {
      await management('PUT', `/api/permissions/${name(vhost)}/${name(user)}`, { configure, write, read })
    },
    async clearPermissions(user, vhost = '/') {
      await management('DELETE', `/api/permissions/${name(vhost)}/${name(user)}`)
    },
    async createVhost(vhost) {
      await management('PUT', `/api/vhosts/${name(vhost)}`)
    },
    async deleteVhost(vhost) {
      await management('DELETE', `/api/vhosts/${name(vhost)}`)
    },
  }
}

async function callManagement(managementUrl: string, method: string, path: string, body: unknown): Promise<unknown> {
  const { username, password, origin } = new URL(managementUrl)
  const credentials = Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`).toString('base64')
  const answer = await fetch(origin + path, {
    method,
    headers: { authorization: `Basic ${credentials}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(requestDeadlineMs),
  })
  const text = await answer.text()
  if (answer.ok) return text === '' ? undefined : JSON.parse(text)
  throw new BrokerError(
    'commandFailed',
    `RabbitMQ answered ${method} ${path} with ${answer.status}: ${text.slice(0, 500)}`,
  )
}
