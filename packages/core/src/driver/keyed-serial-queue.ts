interface Waiting<T> {
  readonly task: T
  next: Waiting<T> | undefined
}

interface Line<T> {
  first: Waiting<T> | undefined
  last: Waiting<T> | undefined
}

/**
 * Lets one task of each key run at a time, in the order they came. Keys do not wait for each other, and tasks without
 * a key for nobody.
 *
 * Whoever was told `true` by `push`, or was handed out by `done`, holds the key until `done` is called for it once.
 *
 * Conformance: ORD-01 to ORD-04.
 */
export class KeyedSerialQueue<T extends {}> {
  /** A key that is held, with those waiting for it; `null`: none, which is the usual case and costs nothing. */
  readonly #lines = new Map<string, Line<T> | null>()
  #waiting = 0

  /** How many tasks are waiting. */
  get size(): number {
    return this.#waiting
  }

  /** How many keys are held. */
  get heldKeys(): number {
    return this.#lines.size
  }

  /** True: may start now. False: `done` will hand it out. */
  push(key: string | undefined, task: T): boolean {
    if (key === undefined) return true
    const line = this.#lines.get(key)
    if (line === undefined) {
      this.#lines.set(key, null)
      return true
    }
    this.#enqueue(key, line, task)
    return false
  }

  /** Frees the key, or passes it on to the next task, which is to start now. */
  done(key: string | undefined): T | undefined {
    if (key === undefined) return undefined
    const line = this.#lines.get(key)
    if (line === undefined) return undefined
    const next = line?.first
    if (line === null || next === undefined) {
      this.#lines.delete(key)
      return undefined
    }
    line.first = next.next
    if (next.next === undefined) line.last = undefined
    this.#waiting--
    return next.task
  }

  /** Takes out all that wait, in order per key. Keys that are held stay so until their `done`. */
  clear(): T[] {
    const tasks: T[] = []
    for (const [key, line] of this.#lines) {
      for (let waiting = line?.first; waiting !== undefined; waiting = waiting.next) tasks.push(waiting.task)
      this.#lines.set(key, null)
    }
    this.#waiting = 0
    return tasks
  }

  #enqueue(key: string, line: Line<T> | null, task: T): void {
    const waiting: Waiting<T> = { task, next: undefined }
    this.#waiting++
    if (line === null) this.#lines.set(key, { first: waiting, last: waiting })
    else if (line.last === undefined) line.first = line.last = waiting
    else line.last = line.last.next = waiting
  }
}
