import { MessagingError, platformErrorCode, type ErrorCode } from '@waybill/core/driver'

/** https://www.rabbitmq.com/amqp-0-9-1-reference#constants, as RabbitMQ uses them. */
const replyCodes: { readonly [code: number]: ErrorCode } = {
  311: 'tooLarge',
  312: 'unroutable',
  313: 'unroutable',
  320: 'unavailable', // closed by an operator, or the node stops
  402: 'notFound',
  403: 'permissionDenied',
  404: 'notFound',
  405: 'failedPrecondition', // an exclusive queue of another connection
  406: 'failedPrecondition',
  501: 'internal',
  502: 'internal',
  503: 'internal',
  504: 'internal',
  505: 'internal',
  506: 'unavailable', // out of memory, disk or Raft members: may pass
  530: 'permissionDenied',
  540: 'unsupported',
  541: 'unavailable', // the node failed at it
}

/** The code of whatever amqplib, Node.js or this driver threw. Never throws. */
export function classify(error: unknown): ErrorCode {
  if (MessagingError.is(error)) return error.code
  if (!(error instanceof Error)) return 'internal'
  const { code, name, message } = error as { code?: unknown; name: string; message: string }
  if (typeof code === 'number' && code in replyCodes) return ofReply(code, message)
  if (name === 'AbortError') return 'aborted'
  if (typeof code === 'string')
    return platformErrorCode(code) ?? (code === 'ERR_OUT_OF_RANGE' ? 'invalidArgument' : 'internal')
  if (error instanceof RangeError && /exceeds the \d+ byte encoding buffer/.test(message)) return 'tooLarge'
  if (/is the wrong type; must be/.test(message)) return 'invalidArgument'
  return ofAmqplib(name, message)
}

function ofReply(code: number, message: string): ErrorCode {
  if (code === 406 && tooLargeMessage.test(message)) return 'tooLarge'
  if (code === 404 && absentQueue.test(message)) return 'unavailable'
  if (code === 406 && /delivery acknowledgement|unknown delivery tag/.test(message)) return 'leaseLost'
  return replyCodes[code] as ErrorCode
}

/**
 * The queue exists, and its process does not answer: its node is down, it restarts, or another client is just declaring
 * it (measured: ten clients declaring the same quorum queues at once). RabbitMQ says 404 to that as well.
 */
const absentQueue =
  /home node '.+' of durable .+ is down or inaccessible|failed to perform operation on .+ due to timeout|process is stopped by supervisor|has crashed and failed to restart/

/** What amqplib says in words only. */
function ofAmqplib(name: string, message: string): ErrorCode {
  const handshake = /^Handshake terminated by server: (\d+)/.exec(message)
  if (handshake !== null)
    return handshake[1] === '403' ? 'unauthenticated' : (replyCodes[Number(handshake[1])] ?? 'internal')
  if (/^SASL mechanism \S+ is not provided/.test(message)) return 'unauthenticated'
  if (isVhostRefusal({ message })) return 'notFound'
  return name === 'IllegalOperationError' || linkFailure.test(message) ? 'unavailable' : 'internal'
}

const linkFailure =
  /^(Heartbeat timeout|Unexpected close|Socket closed abruptly|connect ETIMEDOUT|Channel ended|Channel clos|channel closed|Connection clos|message nacked|Invalid frame|Frame size \d+ exceeds|No channels left)/i

/** `message size N is larger than configured max size M` */
export const tooLargeMessage = /message size \d+ is larger than configured max size (\d+)/

/** RabbitMQ says which vhost and why in the frame that amqplib does not show. */
export function isVhostRefusal(error: { readonly message: string }): boolean {
  return error.message.startsWith('Expected ConnectionOpenOk; got <ConnectionClose')
}

const difference =
  /inequivalent arg '([^']+)' for (queue|exchange) '([^']+)' in vhost '[^']*': received (.+) but current is (.+?)"?$/

/** Says which entity of `channel` exists otherwise than declared, both values, and what to do. Other errors stay as they are. */
export function explainDeclaration(error: unknown, channel: string): unknown {
  const found = error instanceof Error ? difference.exec(error.message) : null
  if (found === null) return error
  const [, argument, kind, name, ours, theirs] = found
  return new MessagingError(
    'failedPrecondition',
    `${kind} "${name}" exists with other arguments: ${argument} is ${valueIn(theirs)}, and would be ${valueIn(ours)}; ` +
      `it was left as it is. Set the option that decides it to what is there, or name another channel or group, or delete ` +
      `the ${kind} once it is empty, or use it as it is by its address`,
    { cause: error, channel, system: 'rabbitmq' },
  )
}

/** `the value '5' of type 'signedint'`, `'5'`, `none` */
function valueIn(phrase: string | undefined): string {
  const value = /'([^']*)'/.exec(phrase ?? '')?.[1]
  return value === undefined ? 'not set' : JSON.stringify(value)
}
