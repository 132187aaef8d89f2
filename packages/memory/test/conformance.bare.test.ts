import { testMemory } from './profile-conformance.ts'

testMemory('bare')
