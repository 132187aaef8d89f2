import { testPart } from './conformance-part.ts'

await testPart({ part: 3, of: 3 })
