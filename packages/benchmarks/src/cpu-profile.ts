import { Session } from 'node:inspector/promises'
import type { Profiler } from 'node:inspector'
import { fileURLToPath } from 'node:url'

/** The time of one function or package, what it calls left out. */
export interface SelfTime {
  readonly place: string
  /** Of all the time in which something ran. */
  readonly share: number
  readonly us: number
}

export interface CpuProfile {
  readonly messages: number
  readonly packages: readonly SelfTime[]
  /** Those that took most. */
  readonly functions: readonly SelfTime[]
}

const mostFunctions = 30

const samplingIntervalUs = 100

/** Runs `work`, which passes so many messages, under the CPU profiler and tells `report` where the time went. */
export async function profiled<T>(
  messages: number,
  work: () => Promise<T>,
  report: (profile: CpuProfile) => void,
): Promise<T> {
  const session = new Session()
  session.connect()
  try {
    await session.post('Profiler.enable')
    await session.post('Profiler.setSamplingInterval', { interval: samplingIntervalUs })
    await session.post('Profiler.start')
    const result = await work()
    const { profile } = await session.post('Profiler.stop')
    const functions = selfTimes(profile, placeOf).slice(0, mostFunctions)
    report({ messages, packages: selfTimes(profile, packageOf), functions })
    return result
  } finally {
    session.disconnect()
  }
}

/** Of the time in which something ran: waiting, and the profiler itself, are left out. */
function selfTimes(
  { nodes, samples = [], timeDeltas = [] }: Profiler.Profile,
  placeIn: (frame: CallFrame) => string,
): readonly SelfTime[] {
  const isLeftOut = ({ functionName, url }: CallFrame): boolean =>
    functionName === '(idle)' || url.startsWith('node:inspector')
  const places = new Map(nodes.flatMap(({ id, callFrame }) => (isLeftOut(callFrame) ? [] : [[id, placeIn(callFrame)]])))
  const spent = new Map<string, number>()
  let total = 0
  for (const [index, id] of samples.entries()) {
    const place = places.get(id)
    if (place === undefined) continue
    const us = timeDeltas[index] ?? 0
    total += us
    spent.set(place, (spent.get(place) ?? 0) + us)
  }
  const shares = [...spent].map(([place, us]) => ({ place, share: us / total, us }))
  return shares.sort((a, b) => b.share - a.share)
}

type CallFrame = Profiler.ProfileNode['callFrame']

function placeOf({ functionName, url, lineNumber }: CallFrame): string {
  const name = functionName === '' ? '(anonymous)' : functionName
  return url === '' ? name : `${name}  ${shortened(url)}:${lineNumber + 1}`
}

/** What has no file is Node's or V8's own, but for what the profiler names itself: `(garbage collector)`. */
function packageOf({ functionName, url }: CallFrame): string {
  if (url === '') return functionName.startsWith('(') && functionName !== '(program)' ? functionName : 'Node and V8'
  if (url.startsWith('node:')) return 'Node and V8'
  const [first = '', second] = shortened(url).split('/')
  return first.startsWith('@') ? `${first}/${second}` : first
}

/** `core/src/intake.ts`, `amqplib/lib/mux.js`: the package and the file, nothing of the machine. */
function shortened(url: string): string {
  const path = url.startsWith('file:') ? fileURLToPath(url).replaceAll('\\', '/') : url
  const installed = path.lastIndexOf('/node_modules/')
  if (installed !== -1) return path.slice(installed + '/node_modules/'.length)
  const own = path.lastIndexOf('/packages/')
  return own === -1 ? path.replace(/^.*\/(?=[^/]+$)/, '') : path.slice(own + '/packages/'.length)
}
