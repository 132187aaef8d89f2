import { defineConfig } from 'vitest/config'

const conditions = ['@waybill/source', 'module', 'node', 'development|production']

/** What needs a Kafka: not part of `npm test` before all of it has passed in one run, time and again. */
export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    include: ['test/**/*.broker.test.ts', 'test/conformance.test.ts'],
    testTimeout: 30_000,
    globalSetup: ['test/global-setup.ts'],
  },
})
