import { claimCases } from './claim-cases.ts'
import { contentCases } from './content-cases.ts'
import { fenceCases } from './fence-cases.ts'
import { keyCases } from './key-cases.ts'
import { retentionCases } from './retention-cases.ts'
import type { StoreCase } from './store-case.ts'
import { StoreProbe, retentionMs, type MakeIdempotencyStore } from './store-under-test.ts'

/** One promise of an idempotency store. `run` rejects when the store does not keep it. */
export interface IdempotencyStoreCase {
  /** `IDS-01` to `IDS-40`; never used again for anything else. */
  readonly id: string
  readonly title: string
  run(): Promise<void>
}

/**
 * What every `IdempotencyStore` must do, for any test runner. Each case makes a store of its own and closes it.
 *
 * @example
 * for (const { id, title, run } of idempotencyStoreCases(make)) test(`${id} ${title}`, run)
 */
export function idempotencyStoreCases(make: MakeIdempotencyStore): readonly IdempotencyStoreCase[] {
  const all = [...claimCases, ...fenceCases, ...retentionCases, ...contentCases, ...keyCases]
  return all.map(([id, title, check]) => ({ id, title, run: () => runCase(make, check) }))
}

async function runCase(make: MakeIdempotencyStore, check: StoreCase[2]): Promise<void> {
  const underTest = await make({ retentionMs })
  try {
    await check(new StoreProbe(underTest))
  } finally {
    await underTest.close?.()
  }
}
