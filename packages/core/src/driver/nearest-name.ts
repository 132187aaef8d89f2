/**
 * What to write instead of a name that nobody knows: the nearest known one as a question, else all of them.
 *
 * For the end of an error text: `unknown option "prefech": did you mean "prefetch"?`
 */
export function hintFor(name: string, known: readonly string[]): string {
  const nearest = nearestName(name, known)
  if (nearest !== undefined) return `did you mean "${nearest}"?`
  return known.length === 0 ? 'there are none' : `there are ${known.map((each) => `"${each}"`).join(', ')}`
}

/** The known name that takes the fewest edits, at most two and a third of its letters, regardless of case. */
export function nearestName(name: string, known: readonly string[]): string | undefined {
  let nearest: string | undefined
  let fewest = Infinity
  for (const candidate of known) {
    const most = Math.min(2, Math.floor(candidate.length / 3))
    const edits = editsBetween(name.toLowerCase(), candidate.toLowerCase(), most)
    if (edits <= most && edits < fewest) {
      nearest = candidate
      fewest = edits
    }
  }
  return nearest
}

/** Insertions, deletions, replacements and swaps of neighbours; `Infinity` where the lengths alone rule it out. */
function editsBetween(a: string, b: string, most: number): number {
  if (Math.abs(a.length - b.length) > most) return Infinity
  let beforeLast: number[] = []
  let last = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) row.push(cheapest(a, b, i, j, { row, last, beforeLast }))
    beforeLast = last
    last = row
  }
  return last[b.length] as number
}

interface Rows {
  readonly row: readonly number[]
  readonly last: readonly number[]
  readonly beforeLast: readonly number[]
}

function cheapest(a: string, b: string, i: number, j: number, { row, last, beforeLast }: Rows): number {
  const replaced = at(last, j - 1) + (a[i - 1] === b[j - 1] ? 0 : 1)
  const isSwap = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]
  const swapped = isSwap ? at(beforeLast, j - 2) + 1 : Infinity
  return Math.min(replaced, swapped, at(last, j) + 1, at(row, j - 1) + 1)
}

function at(row: readonly number[], index: number): number {
  return row[index] as number
}
