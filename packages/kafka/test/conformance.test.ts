import { testConformance } from '@waybill/conformance/vitest'
import { inject } from 'vitest'
import { harness } from './kafka-harness.ts'

testConformance(await harness(inject('kafka')))
