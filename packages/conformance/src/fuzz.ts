import { randomInt } from 'node:crypto'
import fc, { type Arbitrary } from 'fast-check'
import type { Kit } from './kit.ts'

const chunkSize = 250
/** `seed` or `seed:chunk`, as a failure prints it. */
const replay = 'WAYBILL_FUZZ_SEED'

/** What the environment asks to be drawn again: nothing, all of a seed, or one chunk of it. */
function replayed(): { readonly seed?: number; readonly chunk?: number } {
  const [seed = '', chunk] = (process.env[replay] ?? '').split(':')
  if (seed === '') return {}
  return chunk === undefined ? { seed: Number(seed) } : { seed: Number(seed), chunk: Number(chunk) }
}

/** Whether only one chunk is drawn again, to look at a failure: that is no run in full. */
export const replaysOneChunk = (): boolean => replayed().chunk !== undefined

/**
 * Draws from `arbitrary` as many as the size of the run asks for, in chunks, and hands each chunk to `run`.
 *
 * The same seed draws the same. A failure names what repeats it: the seed and the one chunk.
 */
export async function fuzz<T>(
  kit: Kit,
  arbitrary: Arbitrary<T>,
  run: (chunk: readonly T[], offset: number) => Promise<void>,
): Promise<void> {
  const count = kit.size('messages', { reduced: 1_000, full: 100_000 })
  const { seed = randomInt(2 ** 31), chunk: only } = replayed()
  console.log(`${kit.harness.profile}: ${kit.key} draws ${count} messages from seed ${seed}`)
  const chunks = Math.ceil(count / chunkSize)
  for (let chunk = 0; chunk < chunks; chunk++) {
    if (only !== undefined && chunk !== only) continue
    const drawn = fc.sample(arbitrary, { seed: seed + chunk, numRuns: chunkSize })
    try {
      await run(drawn, chunk * chunkSize)
    } catch (error) {
      const how = `to repeat it: ${replay}=${seed}:${chunk}, and the name of the case for the test runner`
      throw new Error(`chunk ${chunk} of seed ${seed} (${how}): ${error instanceof Error ? error.message : error}`, {
        cause: error,
      })
    }
    if (chunk % 40 === 39) kit.step(`${(chunk + 1) * chunkSize} messages`)
  }
}

/** What pollution would leave on every object and list, taken before, to be held against after. */
export function watchPrototypes(): () => readonly string[] {
  const watched = [Object.prototype, Array.prototype, Function.prototype, String.prototype] as const
  const namesOf = (): string[] => watched.flatMap((each) => Reflect.ownKeys(each).map(String)).sort()
  const before = namesOf().join()
  return () => (namesOf().join() === before ? [] : namesOf())
}
