/**
 * Header names that cannot travel as they are, because the mapper would read them back as something else. They get a
 * prefix on the wire and lose it again on the way in, so any name is data.
 */
const escapePrefix = 'waybill-header-'

/** CloudEvents `datacontenttype`: https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/kafka-protocol-binding.md */
export const contentTypeHeader = 'content-type'
/** Says that there is no body where a value without one would mean something else: in a compacted topic. */
export const tombstoneHeader = 'waybill-tombstone'
/** The group that a record in the channel's topic is for, and no other. */
export const groupHeader = 'waybill-group'
/** The ordering key of a dead letter, after `=`; empty: it had none. Its record's key is its own. */
export const keyHeader = 'waybill-key'

/** https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md#naming-conventions */
const attributeHeader = /^ce_[a-z0-9]+$/

/** What a header of that name is to the reader. */
export function headerKind(name: string): 'application' | 'attribute' | 'escaped' | 'own' {
  const first = name.charCodeAt(0)
  if (first === letterC) {
    if (name === contentTypeHeader) return 'own'
    return attributeHeader.test(name) ? 'attribute' : 'application'
  }
  if (first !== letterW) return 'application'
  if (name === tombstoneHeader || name === groupHeader || name === keyHeader) return 'own'
  return name.startsWith(escapePrefix) ? 'escaped' : 'application'
}

const letterC = 'c'.charCodeAt(0)
const letterW = 'w'.charCodeAt(0)

/** The name on the wire of an application's header. */
export function wireHeaderName(name: string): string {
  return headerKind(name) === 'application' ? name : escapePrefix + name
}

export function unescapedHeaderName(name: string): string {
  return name.slice(escapePrefix.length)
}
