import type { AdapterModule } from '@waybill/core/driver'
import { rabbitmq } from './rabbitmq-driver.ts'
import { optionsFromUrl, type RabbitmqOptions } from './rabbitmq-options.ts'

/**
 * Makes drivers from URLs and configuration records.
 *
 * `amqps://host/vhost?heartbeatMs=5000&tls.servername=broker` takes each option as a parameter; a record takes them as
 * `RabbitmqOptions` has them.
 */
export const adapter: AdapterModule['adapter'] = {
  fromUrl: (url) => rabbitmq(optionsFromUrl(url)),
  fromSettings: (settings) => rabbitmq(settings as unknown as RabbitmqOptions),
}
