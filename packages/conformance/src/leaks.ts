import { eventually } from './time.ts'

/** Resources that nothing but a case's own connections and timers comes and goes with. */
const watched = [
  'TCPSocketWrap',
  'TLSWrap',
  'TCPServerWrap',
  'PipeConnectWrap',
  'TCPConnectWrap',
  'UDPWrap',
  'Timeout',
  'Immediate',
]

type Counts = ReadonlyMap<string, number>

/** Remembers what the process holds now; the answer's `check` fails while it holds more. */
export function watchLeaks(): { check(withinMs: number): Promise<void> } {
  const before = counts()
  return {
    async check(withinMs) {
      const look = (): true => {
        const left = more(counts(), before)
        if (left.length > 0) throw new Error(left.join(', '))
        return true
      }
      await eventually('everything is released after close', look, { withinMs })
    },
  }
}

function counts(): Counts {
  const found = new Map<string, number>()
  for (const kind of process.getActiveResourcesInfo()) {
    if (watched.includes(kind)) found.set(kind, (found.get(kind) ?? 0) + 1)
  }
  for (const event of process.eventNames())
    found.set(`listener of process "${String(event)}"`, process.listenerCount(event))
  return found
}

function more(now: Counts, before: Counts): string[] {
  return [...now]
    .map(([kind, count]) => ({ kind, count: count - (before.get(kind) ?? 0) }))
    .filter(({ count }) => count > 0)
    .map(({ kind, count }) => `${count} × ${kind}`)
}
