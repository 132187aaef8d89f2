import { testConformance } from '@waybill/conformance/vitest'
import { memoryProfiles } from '../src/memory-capabilities.ts'
import { harness } from './memory-harness.ts'

// Shorter steps than SQS has: waiting for whole seconds would take three minutes.
const { retryInPlace, delayedSend } = memoryProfiles.inPlace
const capabilities = {
  retryInPlace: { ...retryInPlace, granularityMs: 20 },
  delayedSend: { ...delayedSend, granularityMs: 20 },
}

testConformance(harness('inPlace', capabilities))
