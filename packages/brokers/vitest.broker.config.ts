import { defineConfig } from 'vitest/config'

/** Kafka, which `npm test` does not start yet. */
export default defineConfig({
  resolve: { conditions: ['@waybill/source'] },
  ssr: { resolve: { conditions: ['@waybill/source'] } },
  test: { include: ['test/kafka*.test.ts'], testTimeout: 15_000 },
})
