import { attachBroker } from '@waybill/brokers'
import { testConformance } from '@waybill/conformance/vitest'
import { inject } from 'vitest'
import { rabbitmqHarness } from './rabbitmq-harness.ts'

testConformance(rabbitmqHarness(await attachBroker(inject('rabbitmq'))))
