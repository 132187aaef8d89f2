import { GCProfiler, getHeapStatistics, setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/** Collects what can be collected, here and now. */
export function collectGarbage(): void {
  const collect = globalThis.gc ?? exposed()
  collect()
}

/** Where nobody started the process with `--expose-gc`: a test run. */
function exposed(): () => void {
  setFlagsFromString('--expose-gc')
  return runInNewContext('gc') as () => void
}

/** Bytes of the JavaScript heap in use after a collection. */
export function settledHeapBytes(): number {
  collectGarbage()
  collectGarbage()
  return process.memoryUsage().heapUsed
}

/** Counts what is allocated on the JavaScript heap, whether it survives or not. */
export class AllocationCount {
  readonly #profiler = new GCProfiler()
  readonly #usedBefore: number

  constructor() {
    collectGarbage()
    this.#profiler.start()
    this.#usedBefore = getHeapStatistics().used_heap_size
  }

  /** Bytes allocated since: what is there more now, and what collections in between have freed. */
  stop(): number {
    const { used_heap_size: usedAfter } = getHeapStatistics()
    const { statistics } = this.#profiler.stop() ?? { statistics: [] }
    let freed = 0
    for (const { beforeGC, afterGC } of statistics) {
      freed += beforeGC.heapStatistics.usedHeapSize - afterGC.heapStatistics.usedHeapSize
    }
    return usedAfter - this.#usedBefore + freed
  }
}
