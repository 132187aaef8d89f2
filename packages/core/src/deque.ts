/** A queue with two ends, in one array that grows by doubling: no shifting, no allocation per item. */
export class Deque<T> {
  #items: (T | undefined)[] = new Array(16)
  #mask = 15
  #head = 0
  #length = 0

  get length(): number {
    return this.#length
  }

  push(item: T): void {
    if (this.#length > this.#mask) this.#grow()
    this.#items[(this.#head + this.#length++) & this.#mask] = item
  }

  unshift(item: T): void {
    if (this.#length > this.#mask) this.#grow()
    this.#head = (this.#head - 1) & this.#mask
    this.#items[this.#head] = item
    this.#length++
  }

  peek(): T | undefined {
    return this.#length === 0 ? undefined : this.#items[this.#head]
  }

  shift(): T | undefined {
    if (this.#length === 0) return undefined
    const item = this.#items[this.#head]
    this.#items[this.#head] = undefined
    this.#head = (this.#head + 1) & this.#mask
    this.#length--
    return item
  }

  /** From the first to the last. Must not be changed meanwhile. */
  *[Symbol.iterator](): Generator<T> {
    for (let index = 0; index < this.#length; index++) yield this.#items[(this.#head + index) & this.#mask] as T
  }

  #grow(): void {
    const items = new Array<T | undefined>((this.#mask + 1) * 2)
    for (let index = 0; index < this.#length; index++) items[index] = this.#items[(this.#head + index) & this.#mask]
    this.#items = items
    this.#mask = items.length - 1
    this.#head = 0
  }
}
