import type { Send } from './pipelined.ts'

type Waiting = Parameters<Send>

/** Collects single sends while a request is under way, and sends them in the next: batches as one writes them by hand. */
export function batching(most: number, request: (count: number) => Promise<unknown>): Send {
  let waiting: Waiting[] = []
  let isBusy = false
  const go = async (): Promise<void> => {
    while (waiting.length > 0) {
      const batch = waiting.slice(0, most)
      waiting = waiting.slice(most)
      try {
        await request(batch.length)
        for (const [confirmed] of batch) confirmed()
      } catch (error) {
        for (const [, failed] of batch) failed(error)
      }
    }
    isBusy = false
  }
  return (...send) => {
    waiting.push(send)
    if (isBusy) return
    isBusy = true
    queueMicrotask(() => void go())
  }
}
