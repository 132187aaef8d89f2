import type { AdapterModule } from '@waybill/core/driver'
import { kafka } from './kafka-driver.ts'
import { optionsFromUrl, type KafkaOptions } from './kafka-options.ts'

/**
 * Makes drivers from URLs and configuration records.
 *
 * `kafkas://host:9093,host2:9093?partitions=12&tls.servername=broker` takes each option as a parameter; a record takes
 * them as `KafkaOptions` has them.
 */
export const adapter: AdapterModule['adapter'] = {
  fromUrl: (url) => kafka(optionsFromUrl(url)),
  fromSettings: (settings) => kafka(settings as unknown as KafkaOptions),
}
