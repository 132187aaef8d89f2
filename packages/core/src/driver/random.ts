/** The only source of chance in the library. */
export interface Random {
  /** A number from 0 (included) to 1 (excluded): jitter, spreading. */
  next(): number
  /** Fills `target` with unpredictable bytes: ids. */
  fill(target: Uint8Array): void
}

export const systemRandom: Random = {
  next: () => Math.random(),
  fill: (target) => void crypto.getRandomValues(target),
}
