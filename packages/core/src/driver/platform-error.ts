import type { ErrorCode } from '../messaging-error.ts'

/** https://nodejs.org/api/errors.html#common-system-errors and `dns` codes. */
const networkCodes = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'EHOSTDOWN',
  'ENETUNREACH',
  'ENETDOWN',
  'EADDRNOTAVAIL',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EMFILE',
  'ERR_SOCKET_CLOSED',
  'ERR_STREAM_DESTROYED',
  'ERR_STREAM_WRITE_AFTER_END',
])

/**
 * A peer that does not prove who it is, or to whom we could not: https://nodejs.org/api/tls.html#x509-certificate-error-codes.
 * `unauthenticated` rather than `unavailable`, since trying again cannot mend it.
 */
const certificateCode = /CERT|SELF_SIGNED|ISSUER|LEAF_SIGNATURE|HOSTNAME_MISMATCH|CRL|TLSV1\w*_ALERT|ALERT_UNKNOWN_CA/

/** What the `code` of an error of Node.js means to a driver: network, names, TLS. `undefined`: nothing of these. */
export function platformErrorCode(code: string): ErrorCode | undefined {
  if (networkCodes.has(code)) return 'unavailable'
  if (certificateCode.test(code)) return 'unauthenticated'
  if (/^ERR_(SSL|OSSL|TLS)_/.test(code)) return 'failedPrecondition' // no TLS on that port, an unreadable key
  return undefined
}
