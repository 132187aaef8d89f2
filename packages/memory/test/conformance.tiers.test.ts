import { testConformance } from '@waybill/conformance/vitest'
import { memoryHarness } from './memory-harness.ts'

testConformance(memoryHarness('tiers'))
