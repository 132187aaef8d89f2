export { idempotencyStoreCases, type IdempotencyStoreCase } from './store/idempotency-store-cases.ts'
export type { MakeIdempotencyStore, StoreOptions, StoreUnderTest } from './store/store-under-test.ts'
