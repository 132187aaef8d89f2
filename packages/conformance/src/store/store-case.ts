import type { StoreProbe } from './store-under-test.ts'

/** Id, title, and what is to hold of a fresh store. */
export type StoreCase = readonly [id: string, title: string, check: (probe: StoreProbe) => Promise<void>]
