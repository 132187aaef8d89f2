/** The first of many at the top, by an order of its own. */
export class BinaryHeap<T extends {}> {
  readonly #items: T[] = []
  readonly #isBefore: (a: T, b: T) => boolean

  constructor(isBefore: (a: T, b: T) => boolean) {
    this.#isBefore = isBefore
  }

  get size(): number {
    return this.#items.length
  }

  get first(): T | undefined {
    return this.#items[0]
  }

  add(item: T): void {
    const items = this.#items
    let index = items.length
    items.push(item)
    while (index > 0) {
      const parentIndex = (index - 1) >> 1
      const parent = items[parentIndex] as T
      if (!this.#isBefore(item, parent)) break
      items[index] = parent
      index = parentIndex
    }
    items[index] = item
  }

  shift(): T | undefined {
    const items = this.#items
    const first = items[0]
    const last = items.pop()
    if (last !== undefined && items.length > 0) this.#sink(last)
    return first
  }

  /** Without order. */
  values(): readonly T[] {
    return this.#items
  }

  #sink(item: T): void {
    const items = this.#items
    let index = 0
    for (;;) {
      let childIndex = 2 * index + 1
      let child = items[childIndex]
      if (child === undefined) break
      const other = items[childIndex + 1]
      if (other !== undefined && this.#isBefore(other, child)) {
        child = other
        childIndex++
      }
      if (!this.#isBefore(child, item)) break
      items[index] = child
      index = childIndex
    }
    items[index] = item
  }
}
