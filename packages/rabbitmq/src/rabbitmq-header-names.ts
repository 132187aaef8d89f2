/**
 * Header names that cannot travel as they are, because RabbitMQ or amqplib would act on them or the mapper would read
 * them back as something else. They get a prefix on the wire and lose it again on the way in, so any name is data.
 */
const escapePrefix = 'waybill-header-'

/** Says that there is no body, which is not the same as an empty one. */
export const tombstoneHeader = 'waybill-tombstone'

/** Written by the broker on the way; none of the producer's. https://www.rabbitmq.com/docs/dlx#effects */
const brokerHeader = /^x-(death$|delivery-count$|acquired-count$|(first|last)-death-)/

/** https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md#naming-conventions */
const attributeHeader = /^ce-[a-z0-9]+$/

/** What a header of that name is to the reader. */
export function headerKind(name: string): 'application' | 'attribute' | 'broker' | 'escaped' | 'tombstone' {
  const first = name.charCodeAt(0)
  if (first === letterC) return attributeHeader.test(name) ? 'attribute' : 'application'
  if (first === letterX) return brokerHeader.test(name) ? 'broker' : 'application'
  if (first !== letterW) return 'application'
  if (name === tombstoneHeader) return 'tombstone'
  return name.startsWith(escapePrefix) ? 'escaped' : 'application'
}

const letterC = 'c'.charCodeAt(0)
const letterW = 'w'.charCodeAt(0)
const letterX = 'x'.charCodeAt(0)

/**
 * The name on the wire of an application's header.
 *
 * `CC` and `BCC` are routing to RabbitMQ, and as strings kill the amqp channel: https://www.rabbitmq.com/docs/sender-selected.
 * `__proto__` would set the prototype of the object that amqplib decodes into, and be lost.
 */
export function wireHeaderName(name: string): string {
  const isActedOn = name === 'CC' || name === 'BCC' || name === '__proto__'
  return isActedOn || headerKind(name) !== 'application' ? escapePrefix + name : name
}

export function unescapedHeaderName(name: string): string {
  return name.slice(escapePrefix.length)
}
