import { Session } from 'node:inspector/promises'
import type { Profiler } from 'node:inspector'
import { fileURLToPath } from 'node:url'

/** The time of one function, what it calls left out. */
export interface SelfTime {
  readonly place: string
  /** Of all the time in which something ran. */
  readonly share: number
  readonly us: number
}

export interface CpuProfile {
  readonly messages: number
  readonly functions: readonly SelfTime[]
}

const samplingIntervalUs = 100

/** Runs `work` under the CPU profiler and tells `report` the functions that took most time themselves. */
export async function profiled<T>(
  work: () => Promise<T>,
  report: (functions: readonly SelfTime[]) => void,
  most = 30,
): Promise<T> {
  const session = new Session()
  session.connect()
  try {
    await session.post('Profiler.enable')
    await session.post('Profiler.setSamplingInterval', { interval: samplingIntervalUs })
    await session.post('Profiler.start')
    const result = await work()
    const { profile } = await session.post('Profiler.stop')
    report(selfTimes(profile).slice(0, most))
    return result
  } finally {
    session.disconnect()
  }
}

/** Of the time in which something ran: waiting, and the profiler itself, are left out. */
function selfTimes({ nodes, samples = [], timeDeltas = [] }: Profiler.Profile): readonly SelfTime[] {
  const places = new Map(nodes.map(({ id, callFrame }) => [id, placeOf(callFrame)]))
  const spent = new Map<string, number>()
  let total = 0
  for (const [index, id] of samples.entries()) {
    const place = places.get(id) ?? '(unknown)'
    if (place === '(idle)' || place.includes('node:inspector')) continue
    const us = timeDeltas[index] ?? 0
    total += us
    spent.set(place, (spent.get(place) ?? 0) + us)
  }
  const shares = [...spent].map(([place, us]) => ({ place, share: us / total, us }))
  return shares.sort((a, b) => b.share - a.share)
}

function placeOf({ functionName, url, lineNumber }: { functionName: string; url: string; lineNumber: number }): string {
  const name = functionName === '' ? '(anonymous)' : functionName
  return url === '' ? name : `${name}  ${shortened(url)}:${lineNumber + 1}`
}

/** `core/src/intake.ts`, `amqplib/lib/mux.js`: the package and the file, nothing of the machine. */
function shortened(url: string): string {
  const path = url.startsWith('file:') ? fileURLToPath(url).replaceAll('\\', '/') : url
  const installed = path.lastIndexOf('/node_modules/')
  if (installed !== -1) return path.slice(installed + '/node_modules/'.length)
  const own = path.lastIndexOf('/packages/')
  return own === -1 ? path.replace(/^.*\/(?=[^/]+$)/, '') : path.slice(own + '/packages/'.length)
}
