import { testPart } from './conformance-part.ts'

await testPart({ part: 2, of: 2 })
