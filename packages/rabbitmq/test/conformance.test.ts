import { testConformance } from '@waybill/conformance/vitest'
import { inject } from 'vitest'
import { harness } from './rabbitmq-harness.ts'

testConformance(await harness(inject('rabbitmq')))
