import { testConformance } from '@waybill/conformance/vitest'
import { harness } from './memory-harness.ts'

testConformance(harness('bare'))
