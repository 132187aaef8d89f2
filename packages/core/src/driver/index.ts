export type { AdapterModule, ResolvedSetting } from './adapter-module.ts'
export type { Capabilities } from './capabilities.ts'
export { systemClock, type Clock, type Timer } from './clock.ts'
export type {
  Address,
  Delivery,
  Driver,
  DriverConnection,
  DriverContext,
  DriverEvent,
  GroupLanes,
  Inspection,
  Lane,
  Lease,
  Listener,
  ListenRequest,
  ListenStart,
  OnDelivery,
  Outgoing,
  SendDone,
  SendFailure,
  Settlement,
  Topology,
  TopologyChannel,
  TopologyGroup,
  TopologyReport,
} from './driver.ts'
export type { Logger } from './logger.ts'
export { systemRandom, type Random } from './random.ts'
export { reservedHeaderPrefix, type Headers, type WireMessage } from './wire-message.ts'
export { MessagingError, type ErrorCode } from '../messaging-error.ts'
export { systemRuntime, type Runtime } from '../runtime.ts'
export { connectWith } from '../connect.ts'
export { nativeOf } from '../native.ts'
export { backoffMs } from './backoff.ts'
export { KeyedSerialQueue } from './keyed-serial-queue.ts'
export { SharedLease } from './lease.ts'
export { ManualClock } from './manual-clock.ts'
export { hintFor } from './nearest-name.ts'
export { ContiguousPrefixAcker } from './contiguous-prefix-acker.ts'
export { DueHeap, type Due } from './due-heap.ts'
export { LeaseRenewer } from './lease-renewer.ts'
export { bufferOf } from './buffer-of.ts'
export { headersOf, newHeaders, noHeaders, type HeaderTable } from './header-table.ts'
export { isStructured, structuredBody, structuredEvent, structuredMediaType } from './structured-event.ts'
export {
  anyTextOption,
  booleanOption,
  choiceOption,
  credentialOptions,
  DriverOptions,
  textOption,
  tlsOptions,
  wholeNumberOption,
  type OptionRule,
} from './driver-options.ts'
export { platformErrorCode } from './platform-error.ts'
export { untilAborted } from './until-aborted.ts'
export { withDeadline } from '../deadline.ts'
