import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect as connectTls } from 'node:tls'
import { fileURLToPath } from 'node:url'
import { type ChannelModel, connect } from 'amqplib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  attachBroker,
  type ContainerFaults,
  ensureEngine,
  eventually,
  type RabbitmqBroker,
  type RabbitmqControl,
  type StartedBroker,
  startBroker,
  type TestCertificates,
  within,
} from '../src/index.ts'
import { ownLabels, sessionLabel, sweepStaleContainers } from '../src/session.ts'

let started: StartedBroker<RabbitmqBroker>
let broker: RabbitmqBroker
let faults: ContainerFaults
let control: RabbitmqControl
let certificates: TestCertificates
let tlsUrl: string

beforeAll(async () => {
  started = await startBroker('rabbitmq')
  broker = await attachBroker<'rabbitmq'>(JSON.parse(JSON.stringify(started.description)))
  if (!broker.faults || !broker.control || !broker.certificates || !broker.tlsUrl) throw new Error('no fault control')
  ;({ faults, control, certificates, tlsUrl } = broker as Required<RabbitmqBroker>)
}, 300_000)
afterAll(() => started?.stop(), 60_000)

async function connected(url = broker.url): Promise<ChannelModel> {
  const connection = await within('connecting', 10_000, connect(url))
  connection.on('error', () => {})
  return connection
}

/** Unlike `once`, does not reject for the error that precedes the end. */
function ended(connection: ChannelModel): Promise<void> {
  return new Promise((resolve) => connection.on('close', () => resolve()))
}

async function withStoredMessage(during: () => Promise<void>): Promise<void> {
  const before = await connected()
  const channel = await before.createConfirmChannel()
  await channel.assertQueue('kept', { durable: true, arguments: { 'x-queue-type': 'quorum' } })
  await channel.purgeQueue('kept')
  channel.sendToQueue('kept', Buffer.from('still here'), { persistent: true })
  await channel.waitForConfirms()
  const closed = ended(before)
  await during()
  await within('the end of the connection', 5_000, closed)
  const after = await connected()
  const reader = await after.createChannel()
  const message = await eventually('the stored message', 10_000, async () => {
    const got = await reader.get('kept', { noAck: true })
    return got === false ? undefined : got
  })
  expect(message.content.toString()).toBe('still here')
  await after.close()
}

test('states its version and serves clients', async () => {
  expect(broker.version).toMatch(/^4\./)
  expect(broker.name).toBe('rabbitmq')
  await (await connected()).close()
})

test('restarts on the same address and keeps what was confirmed', { timeout: 90_000 }, async () => {
  await withStoredMessage(() => faults.restart())
})

test('is killed, starts again on the same address and keeps what was confirmed', { timeout: 90_000 }, async () => {
  await withStoredMessage(() => faults.kill())
})

test('goes down until it is told to come up', { timeout: 90_000 }, async () => {
  await faults.down({ graceful: false })
  await expect(connected()).rejects.toThrow(/ECONNREFUSED|ECONNRESET|socket closed/i)
  await faults.up()
  await (await connected()).close()
})

test('answers nothing while paused', { timeout: 30_000 }, async () => {
  const connection = await connected()
  const channel = await connection.createChannel()
  await faults.pause()
  const asked = channel.assertQueue('', { exclusive: true })
  await expect(within('an answer', 1_000, asked)).rejects.toThrow('took longer')
  await faults.unpause()
  await within('the answer', 5_000, asked)
  await connection.close()
})

test('the memory alarm blocks who publishes, until it is cleared', { timeout: 60_000 }, async () => {
  const connection = await connected()
  const channel = await connection.createConfirmChannel()
  const { queue } = await channel.assertQueue('', { exclusive: true })
  const blocked = once(connection, 'blocked')
  await control.setMemoryAlarm(true)
  try {
    channel.sendToQueue(queue, Buffer.from('x'))
    await within('blocked', 5_000, blocked)
    const confirmed = channel.waitForConfirms()
    await expect(within('a confirm', 500, confirmed)).rejects.toThrow('took longer')
    const unblocked = once(connection, 'unblocked')
    await control.setMemoryAlarm(false)
    await within('unblocked', 5_000, unblocked)
    await within('the confirm', 5_000, confirmed)
  } finally {
    await control.setMemoryAlarm(false)
  }
  await connection.close()
})

test('an operator closes connections, of one user or all', { timeout: 60_000 }, async () => {
  await control.createUser('closed', 'secret')
  await control.setPermissions('closed')
  const [own, other] = [await connected(broker.url.replace('guest:guest', 'closed:secret')), await connected()]
  const told = new Promise<Error>((resolve) => own.on('close', resolve))
  const otherClosed = ended(other)
  await control.closeConnections('for a test', { user: 'closed' })
  expect((await within('the end', 5_000, told)).message).toContain('for a test')
  await (await other.createChannel()).close()
  await control.closeConnections('all of them')
  await within('the end', 5_000, otherClosed)
  await control.deleteUser('closed')
})

test('users: refused, forbidden, allowed, revoked', { timeout: 60_000 }, async () => {
  const url = broker.url.replace('guest:guest', 'app:secret')
  await expect(connected(url)).rejects.toThrow(/ACCESS.REFUSED/i)
  await control.createUser('app', 'secret')
  await expect(connected(url)).rejects.toThrow(/NOT.ALLOWED|got <ConnectionClose/)
  await control.setPermissions('app', { configure: '^allowed' })
  const connection = await connected(url)
  const forbidden = await connection.createChannel()
  forbidden.on('error', () => {})
  await expect(forbidden.assertQueue('other')).rejects.toThrow(/ACCESS.REFUSED/i)
  await (await connection.createChannel()).assertQueue('allowed', { durable: true })
  const closed = ended(connection)
  await control.deleteUser('app')
  await within('the end', 5_000, closed)
  await expect(connected(url)).rejects.toThrow(/ACCESS.REFUSED/i)
})

test('virtual hosts come and go', { timeout: 30_000 }, async () => {
  await control.createVhost('a/b')
  await control.setPermissions('guest', { vhost: 'a/b' })
  await (await connected(`${broker.url}/a%2Fb`)).close()
  await control.deleteVhost('a/b')
  await expect(connected(`${broker.url}/a%2Fb`)).rejects.toThrow(/NOT.ALLOWED|got <ConnectionClose/)
})

test('TLS: the own listener is acceptable to who trusts the authority, and to nobody else', {
  timeout: 30_000,
}, async () => {
  const { ca } = certificates
  const secure = await within('connecting', 10_000, connect(tlsUrl, { ca: [ca] }))
  await secure.close()
  await expect(connect(tlsUrl)).rejects.toThrow(/self-signed|unable to verify|UNABLE_TO/i)
  const { hostname, port } = new URL(tlsUrl)
  const socket = connectTls({ host: hostname, port: Number(port), ca })
  await once(socket, 'secureConnect')
  expect(socket.authorized).toBe(true)
  socket.destroy()
})

test('a failing command says what failed', { timeout: 30_000 }, async () => {
  await expect(control.rabbitmqctl('no_such_command')).rejects.toMatchObject({
    code: 'commandFailed',
    message: expect.stringContaining('no_such_command'),
  })
})

test('a broker that somebody else runs has neither faults nor controls, and stop() leaves it alone', {
  timeout: 30_000,
}, async () => {
  process.env.WAYBILL_RABBITMQ_URL = broker.url
  try {
    const existing = await startBroker('rabbitmq')
    expect(existing).toMatchObject({ url: broker.url, version: broker.version })
    expect(existing.faults).toBeUndefined()
    expect(existing.control).toBeUndefined()
    await existing.stop()
    await (await connected()).close()
    process.env.WAYBILL_RABBITMQ_URL = 'amqp://user:hunter2@127.0.0.1:1'
    const refused = await startBroker('rabbitmq').catch((thrown: unknown) => thrown)
    expect(refused).toMatchObject({ code: 'startFailed', message: expect.stringContaining('127.0.0.1:1') })
    expect(String(refused)).not.toContain('hunter2')
  } finally {
    delete process.env.WAYBILL_RABBITMQ_URL
  }
})

describe.each(['SIGINT', 'SIGKILL'] as const)('an owner ended by %s', (signal) => {
  test('leaves no container', { timeout: 120_000 }, async () => {
    const owner = spawn(
      process.execPath,
      ['--conditions=@waybill/source', fileURLToPath(new URL('abandoned-owner.ts', import.meta.url))],
      {
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    )
    const [line] = (await within('the start of its broker', 90_000, once(owner.stdout, 'data'))) as [Buffer]
    const container = (await ensureEngine()).container.getById(String(line).trim())
    expect((await container.inspect()).State.Running).toBe(true)
    owner.kill(signal)
    await eventually('its removal', 15_000, () =>
      container.inspect().then(
        () => undefined,
        () => true,
      ),
    )
  })
})

test('a start sweeps what an owner that is gone has left, and nothing else', { timeout: 60_000 }, async () => {
  const engine = await ensureEngine()
  const { Config } = await engine.container.getById(started.description.containerId ?? '').inspect()
  const make = (session: string) =>
    engine.container.dockerode.createContainer({
      Image: Config.Image,
      Labels: { ...ownLabels(), [sessionLabel]: session },
    })
  const stale = await make('4194305.long-ago')
  const own = await make(ownLabels()[sessionLabel] ?? '')
  await sweepStaleContainers(engine)
  await expect(stale.inspect()).rejects.toThrow(/no such container/i)
  expect((await own.inspect()).Id).toBe(own.id)
  await own.remove({ force: true })
  await (await connected()).close()
})
