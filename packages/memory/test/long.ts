import { runLong } from '@waybill/conformance'
import { harness } from './memory-harness.ts'

/** The long cases in full: `npm run test:long -- --adapter memory`. */
process.exitCode = await runLong(harness(), process.argv.slice(2))
