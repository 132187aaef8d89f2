export { adapter } from './rabbitmq-adapter.ts'
export { rabbitmqDelivery, type RabbitmqDelivery } from './rabbitmq-delivery.ts'
export { rabbitmq } from './rabbitmq-driver.ts'
export type { RabbitmqOptions, RabbitmqTlsOptions } from './rabbitmq-options.ts'
