import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { within } from './deadline.ts'
import type { Engine } from './engine.ts'
import { processStat } from './process-stat.ts'

/** Names the process that owns a container: `<process id>.<its start time>`. */
export const sessionLabel = 'dev.waybill.session'
/** Names the machine on which that process id means something. */
export const hostLabel = 'dev.waybill.host'

/** The labels of a container that this process owns. */
export function ownLabels(): Record<string, string> {
  return { [sessionLabel]: sessionOf(process.pid), [hostLabel]: hostname() }
}

/** The session of a process that runs now; ids are reused, so its start time is part of it. */
export function sessionOf(pid: number): string {
  return `${pid}.${startTimeOf(pid) ?? 'gone'}`
}

/**
 * Whether a container with these labels was left behind: made on this host, by a process that is no longer there.
 *
 * Containers without the label, and those of another machine that shares the engine, are nobody's business here.
 */
export function isStale(
  labels: Readonly<Record<string, string>>,
  host: string = hostname(),
  startTime: (pid: number) => string | undefined = startTimeOf,
): boolean {
  const [, pid, started] = /^(\d+)\.(.+)$/.exec(labels[sessionLabel] ?? '') ?? []
  if (pid === undefined || labels[hostLabel] !== host) return false
  return startTime(Number(pid)) !== started
}

/** Removes the containers that interrupted runs left on this host and resolves to their number. */
export async function sweepStaleContainers(engine: Engine): Promise<number> {
  return removeContainers(engine, (labels) => isStale(labels))
}

/** Removes every container of one session and resolves to their number. */
export async function removeSession(engine: Engine, session: string): Promise<number> {
  const host = hostname()
  return removeContainers(engine, (labels) => labels[sessionLabel] === session && labels[hostLabel] === host)
}

async function removeContainers(
  engine: Engine,
  chosen: (labels: Readonly<Record<string, string>>) => boolean,
): Promise<number> {
  const { dockerode } = engine.container
  const labelled = dockerode.listContainers({ all: true, filters: { label: [sessionLabel] } })
  const found = (await within('listing containers', 15_000, labelled)).filter(({ Labels }) => chosen(Labels))
  await Promise.all(
    found.map(async ({ Id }) => {
      const removed = dockerode.getContainer(Id).remove({ force: true, v: true })
      await within(`removing container ${Id.slice(0, 12)}`, 30_000, removed).catch((thrown: unknown) => {
        if (!isAlreadyGoing(thrown)) throw thrown
      })
    }),
  )
  return found.length
}

/** Another run's sweep may take the same container: 404 when it is gone, 409 while it goes. */
function isAlreadyGoing(thrown: unknown): boolean {
  return thrown instanceof Error && 'statusCode' in thrown && (thrown.statusCode === 404 || thrown.statusCode === 409)
}

/** When a process started, in a form to compare for equality; `undefined` when there is no such process. */
function startTimeOf(pid: number): string | undefined {
  try {
    if (process.platform === 'linux') {
      const stat = processStat(pid)
      const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').slice(0, 8)
      return stat && `${boot}-${stat.startTicks}`
    }
    if (process.platform === 'win32') return process.kill(pid, 0) ? 'running' : undefined
    const started = execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8', timeout: 5_000 })
    return started.trim().replace(/[^0-9A-Za-z]+/g, '-')
  } catch {
    return undefined
  }
}
