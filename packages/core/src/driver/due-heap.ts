/** Something with a due time. `sequence` decides between equal ones; `index` belongs to the heap. */
export interface Due {
  dueAt: number
  sequence: number
  /** Its place in the heap; -1 while in none. */
  index: number
}

/** A binary heap by due time, first come first served among equal ones; each item knows its place, so any can leave. */
export class DueHeap<T extends Due> {
  readonly #items: T[] = []

  get size(): number {
    return this.#items.length
  }

  get first(): T | undefined {
    return this.#items[0]
  }

  add(item: T): void {
    this.#items.push(item)
    this.#rise(item, this.#items.length - 1)
  }

  /** Does nothing when the item is not here. */
  remove(item: T): void {
    const { index } = item
    if (index < 0) return
    const last = this.#items.pop() as T
    item.index = -1
    if (last === item) return
    last.index = index
    this.#items[index] = last
    this.moved(last)
  }

  /** To be called after an item's due time changed. */
  moved(item: T): void {
    this.#rise(item, item.index)
    this.#sink(item, item.index)
  }

  #rise(item: T, from: number): void {
    let index = from
    while (index > 0) {
      const parentIndex = (index - 1) >> 1
      const parent = this.#items[parentIndex] as T
      if (!isBefore(item, parent)) break
      this.#put(parent, index)
      index = parentIndex
    }
    this.#put(item, index)
  }

  #sink(item: T, from: number): void {
    let index = from
    for (;;) {
      const childIndex = this.#earlierChild(index)
      const child = this.#items[childIndex]
      if (child === undefined || !isBefore(child, item)) break
      this.#put(child, index)
      index = childIndex
    }
    this.#put(item, index)
  }

  #earlierChild(index: number): number {
    const left = 2 * index + 1
    const a = this.#items[left]
    const b = this.#items[left + 1]
    return a !== undefined && b !== undefined && isBefore(b, a) ? left + 1 : left
  }

  #put(item: T, index: number): void {
    this.#items[index] = item
    item.index = index
  }
}

function isBefore(a: Due, b: Due): boolean {
  return a.dueAt < b.dueAt || (a.dueAt === b.dueAt && a.sequence < b.sequence)
}
