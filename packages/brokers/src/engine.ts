import { spawn } from 'node:child_process'
import { closeSync, existsSync, openSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { type ContainerRuntimeClient, getContainerRuntimeClient } from 'testcontainers'
import { BrokerError, reasonOf } from './broker-error.ts'
import { eventually, within } from './deadline.ts'
import { canInstallPackages, findProgram, installPackages } from './host.ts'
import { processStat } from './process-stat.ts'
import { type Progress, toStandardError } from './progress.ts'
import { stateFolder } from './state-folder.ts'

/** A container engine that answers, found the way Testcontainers finds it (`DOCKER_HOST`, contexts, sockets). */
export type Engine = ContainerRuntimeClient

const startDeadlineMs = 60_000
const pidFile = '/var/run/docker.pid'
const containerdPidFile = '/var/run/docker/containerd/containerd.pid'

/**
 * Resolves to a container engine that answers.
 *
 * Where none does and this process is root on Debian or Ubuntu, the distribution's engine is installed and started, and
 * `progress` is told so; the engine outlives this process. Containers are cleaned up by this package, so Testcontainers' own
 * reaper, which needs another image, is switched off unless `TESTCONTAINERS_RYUK_DISABLED` says otherwise.
 *
 * @throws `engineUnavailable` with what to do
 */
export async function ensureEngine(progress: Progress = toStandardError): Promise<Engine> {
  const engine = await answeringEngine()
  if (engine !== undefined) return engine
  if (process.env.DOCKER_HOST !== undefined) {
    throw new BrokerError(
      'engineUnavailable',
      `no Docker engine answers at DOCKER_HOST=${process.env.DOCKER_HOST}; start it or unset DOCKER_HOST`,
    )
  }
  if (!canInstallPackages()) {
    throw new BrokerError('engineUnavailable', 'no Docker engine answers; start one (or set DOCKER_HOST) and run again')
  }
  if (findProgram('dockerd') === undefined || findProgram('iptables') === undefined) {
    progress("no Docker engine answers: installing Debian's docker.io and iptables")
    await installPackages(['docker.io', 'iptables'])
  }
  return startEngine(progress)
}

/** The engine that answers now, if any. */
export async function answeringEngine(): Promise<Engine | undefined> {
  process.env.TESTCONTAINERS_RYUK_DISABLED ??= 'true'
  // Inside a container Testcontainers would pull an image to learn the engine's address; one that runs beside us is local.
  if (livingPid(pidFile, 'dockerd') !== undefined) process.env.TESTCONTAINERS_HOST_OVERRIDE ??= 'localhost'
  return within('asking for a Docker engine', 15_000, getContainerRuntimeClient()).catch(() => undefined)
}

async function startEngine(progress: Progress): Promise<Engine> {
  const log = join(stateFolder(), 'dockerd.log')
  const living = livingPid(pidFile, 'dockerd')
  if (living === undefined) {
    rmSync(pidFile, { force: true })
    if (livingPid(containerdPidFile, 'containerd') === undefined) rmSync(containerdPidFile, { force: true })
    progress(`no Docker engine answers: starting dockerd, log in ${log}`)
    const output = openSync(log, 'a')
    const daemon = spawn(findProgram('dockerd') ?? 'dockerd', [], {
      detached: true,
      stdio: ['ignore', output, output],
      env: daemonEnvironment(),
    })
    closeSync(output)
    daemon.on('error', () => {})
    daemon.unref()
  } else {
    progress(`dockerd runs (process ${living}) but does not answer yet: waiting`)
  }
  const started = performance.now()
  try {
    const engine = await eventually('an answer of dockerd', startDeadlineMs, answeringEngine, 200)
    progress(
      `Docker engine ${engine.info.containerRuntime.serverVersion} answers after ${Math.round(performance.now() - started)} ms`,
    )
    return engine
  } catch (thrown) {
    const tail = existsSync(log) ? readFileSync(log, 'utf8').trimEnd().split('\n').slice(-8).join('\n') : ''
    throw new BrokerError(
      'engineUnavailable',
      `dockerd did not start: ${reasonOf(thrown)}; its log ends with\n${tail}`,
      { cause: thrown },
    )
  }
}

/**
 * A pid file outlives a killed process, and its number may since belong to another program, or to a zombie, which `dockerd`
 * takes for a living one and waits for.
 */
function livingPid(file: string, command: string): number | undefined {
  try {
    const pid = Number(readFileSync(file, 'utf8'))
    return processStat(pid)?.command === command ? pid : undefined
  } catch {
    return undefined
  }
}

function daemonEnvironment(): NodeJS.ProcessEnv {
  const sbin = '/usr/local/sbin:/usr/sbin:/sbin'
  return { ...process.env, PATH: process.env.PATH === undefined ? sbin : `${process.env.PATH}:${sbin}` }
}
