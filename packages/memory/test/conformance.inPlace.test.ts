import { memoryProfiles } from '../src/memory-capabilities.ts'
import { testMemory } from './profile-conformance.ts'

// Shorter steps than SQS has: waiting for whole seconds would take three minutes.
const { retryInPlace, delayedSend } = memoryProfiles.inPlace
testMemory('inPlace', {
  retryInPlace: { ...retryInPlace, granularityMs: 20 },
  delayedSend: { ...delayedSend, granularityMs: 20 },
})
