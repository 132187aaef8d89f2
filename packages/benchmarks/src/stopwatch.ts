/** What some messages took. */
export interface Reading {
  readonly messages: number
  readonly perSecond: number
  /** CPU time of this whole process, system calls and garbage collection included. */
  readonly cpuUsEach: number
  readonly rssBytes: number
}

/** Wall and CPU time from the moment it is made. */
export class Stopwatch {
  readonly #cpu = process.cpuUsage()
  readonly #startedAt = performance.now()

  read(messages: number): Reading {
    const ms = performance.now() - this.#startedAt
    const { user, system } = process.cpuUsage(this.#cpu)
    const rssBytes = process.memoryUsage.rss()
    return { messages, perSecond: (messages / ms) * 1_000, cpuUsEach: (user + system) / messages, rssBytes }
  }
}
