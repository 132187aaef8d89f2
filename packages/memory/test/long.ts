import { runLong } from '@waybill/conformance'
import { memoryHarness } from './memory-harness.ts'

/** The long cases in full: `npm run test:long -- --adapter memory`. */
process.exitCode = await runLong(memoryHarness(), process.argv.slice(2))
