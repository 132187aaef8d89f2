import { defineConfig } from 'vitest/config'

export default defineConfig({
  resolve: { conditions: ['@waybill/source'] },
  ssr: { resolve: { conditions: ['@waybill/source'] } },
  test: { include: ['test/**/*.test.ts'], testTimeout: 15_000 },
})
