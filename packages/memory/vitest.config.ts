import { defineConfig } from 'vitest/config'

const conditions = ['@waybill/source', 'module', 'node', 'development|production']

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  // The profiles of the kit mostly wait: more of them at a time than there are cores.
  test: { include: ['test/**/*.test.ts'], testTimeout: 30_000, maxWorkers: 3 },
})
