import { GenericContainer, Wait } from 'testcontainers'
import { BrokerError, reasonOf } from './broker-error.ts'
import { watchOwnContainers } from './clean-up.ts'
import { within } from './deadline.ts'
import type { Engine } from './engine.ts'
import { freePorts } from './free-ports.ts'
import { ownLabels, sweepStaleContainers } from './session.ts'

const startDeadlineMs = 90_000
const commandDeadlineMs = 30_000

/** What a fixture wants started. */
export interface ContainerRequest<Port extends string> {
  readonly broker: string
  readonly image: string
  /** Ports inside the container by name; each gets a fixed port of the host, so that a restart keeps the address. */
  readonly ports: Readonly<Record<Port, number>>
  /** What is put into the container before it starts; for a broker that must know its own address, `at` has it. */
  files(at: Omit<ContainerDescription<Port>, 'id'>): readonly { readonly path: string; readonly content: string }[]
  /** Instead of the image's own. */
  readonly command?: readonly string[]
  readonly environment?: Readonly<Record<string, string>>
  /** A line of the log that says the broker is ready. */
  readonly readyLine: RegExp
}

/** Where a started container is; plain data, so that other processes can find it. */
export interface ContainerDescription<Port extends string> {
  readonly id: string
  readonly host: string
  readonly ports: Readonly<Record<Port, number>>
}

/**
 * Starts a container that is removed when this process ends, after removing what earlier interrupted runs left.
 *
 * @throws `startFailed` with the end of the container's log
 */
export async function startContainer<Port extends string>(
  engine: Engine,
  request: ContainerRequest<Port>,
): Promise<ContainerDescription<Port>> {
  await sweepStaleContainers(engine)
  watchOwnContainers()
  for (let attempt = 1; ; attempt += 1) {
    const names = Object.keys(request.ports) as Port[]
    const free = await freePorts(names.length)
    const ports = Object.fromEntries(names.map((name, index) => [name, free[index]])) as Record<Port, number>
    const at = { host: engine.info.containerRuntime.host, ports }
    try {
      return { id: await startOnce(request, at), ...at }
    } catch (thrown) {
      if (attempt < 5 && /port is already allocated|address already in use/i.test(reasonOf(thrown))) continue
      throw new BrokerError(
        'startFailed',
        `${request.broker} did not start from ${request.image}: ${reasonOf(thrown)}`,
        {
          cause: thrown,
        },
      )
    }
  }
}

async function startOnce<Port extends string>(
  request: ContainerRequest<Port>,
  at: Omit<ContainerDescription<Port>, 'id'>,
): Promise<string> {
  const names = Object.keys(at.ports) as Port[]
  const bindings = names.map((name) => ({ container: request.ports[name], host: at.ports[name] }))
  const files = request.files(at).map(({ path, content }) => ({ target: path, content, mode: 0o644 }))
  const log: string[] = []
  try {
    const container = new GenericContainer(request.image)
      .withHostname(`waybill-${request.broker}`)
      .withLabels({ ...ownLabels(), 'dev.waybill.broker': request.broker })
      .withExposedPorts(...bindings)
      .withEnvironment({ ...request.environment })
      .withCopyContentToContainer(files)
      .withLogConsumer((lines) => {
        lines.on('data', (line: Buffer) => {
          log.push(String(line).trimEnd())
          if (log.length > 20) log.shift()
        })
      })
      .withWaitStrategy(Wait.forLogMessage(request.readyLine))
      .withStartupTimeout(startDeadlineMs)
    if (request.command !== undefined) container.withCommand([...request.command])
    return (await container.start()).getId()
  } catch (thrown) {
    throw new Error([reasonOf(thrown), ...log].join('\n'), { cause: thrown })
  }
}

/** The container of a description, from whichever process; every call has a deadline. */
export interface ContainerHandle {
  readonly id: string
  /** Stops it: politely for ten seconds, or at once with SIGKILL. Does nothing when it does not run. */
  stop(how: 'politely' | 'kill'): Promise<void>
  start(): Promise<void>
  pause(): Promise<void>
  unpause(): Promise<void>
  /** Runs a command inside; resolves to what it wrote. Throws `commandFailed` on a status other than 0. */
  exec(command: readonly string[], deadlineMs?: number): Promise<string>
  /** Removes it with its data; does nothing when it is gone. */
  remove(): Promise<void>
}

/** Finds a container again by its id. */
export function containerHandle(engine: Engine, id: string): ContainerHandle {
  const container = engine.container.getById(id)
  const short = id.slice(0, 12)
  const call = async (what: string, work: Promise<unknown>, ignored: readonly number[] = []): Promise<void> => {
    try {
      await within(`${what} container ${short}`, commandDeadlineMs, work)
    } catch (thrown) {
      if (ignored.includes(statusOf(thrown))) return
      if (thrown instanceof BrokerError) throw thrown
      throw new BrokerError('commandFailed', `${what} container ${short} failed: ${reasonOf(thrown)}`, {
        cause: thrown,
      })
    }
  }
  return {
    id,
    async stop(how) {
      if (how === 'politely') return call('stopping', container.stop({ t: 10 }), [304])
      const ended = container.wait({ condition: 'not-running' })
      await call('killing', container.kill({ signal: 'SIGKILL' }), [409])
      await call('waiting for the end of', ended)
    },
    start: () => call('starting', container.start(), [304]),
    pause: () => call('pausing', container.pause()),
    unpause: () => call('unpausing', container.unpause()),
    async exec(command, deadlineMs = commandDeadlineMs) {
      const line = command.join(' ')
      const result = await within(
        `"${line}" in container ${short}`,
        deadlineMs,
        engine.container.exec(container, [...command]),
      )
      if (result.exitCode === 0) return result.stdout
      throw new BrokerError(
        'commandFailed',
        `"${line}" in container ${short} ended with status ${result.exitCode}: ${result.output.trim()}`,
      )
    },
    remove: () => call('removing', container.remove({ force: true, v: true }), [404, 409]),
  }
}

function statusOf(thrown: unknown): number {
  return thrown instanceof Error && 'statusCode' in thrown ? Number(thrown.statusCode) : 0
}
