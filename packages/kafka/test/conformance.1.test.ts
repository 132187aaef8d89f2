import { testPart } from './conformance-part.ts'

await testPart({ part: 1, of: 2 })
