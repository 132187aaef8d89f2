import { defineConfig } from 'vitest/config'

const conditions = ['@waybill/source', 'module', 'node', 'development|production']

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  // Each mutant is a process of its own, which waits more than it works.
  test: { include: ['test/**/*.test.ts'], fileParallelism: false, maxConcurrency: 4 },
})
