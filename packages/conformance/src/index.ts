export { keyOf, planOf, type Behaviour, type CapabilityNeed, type Needs, type Plan } from './behaviour.ts'
export { behaviourIds, catalogue, missingIds, type BehaviourId } from './catalogue.ts'
export { DeliveryRecord, type Run, type Tally } from './delivery-record.ts'
export { behaviours } from './families/index.ts'
export type { FaultName, Faults, ForeignTopology, HostileBroker, Link, LinkFaultName } from './faults.ts'
export type { ForeignHeader, ForeignMessage, ForeignValue } from './foreign-message.ts'
export { withDriver, type DriverRequest, type Harness, type Timings } from './harness.ts'
export {
  item,
  itemChannel,
  itemIn,
  itemSchema,
  items,
  sendItems,
  type Item,
  type ItemChannel,
  type ItemTypes,
} from './item.ts'
export { Kit, type Gate, type KitConnectOptions, type KitOptions, type Quiet, type Size } from './kit.ts'
export { runLong } from './long-run.ts'
export { renderMatrix, type NamedReport } from './matrix.ts'
export { MessageLedger, type MessageAccount } from './message-ledger.ts'
export type { GroupAddress, Probe, ProbeMessage } from './probe.ts'
export { formatReport, reportOf, settleReport, type Report, type ReportedResult, type ReportScope } from './report.ts'
export { runBehaviour, type CaseResult, type Figures } from './run-behaviour.ts'
export { eventually, sleep, within } from './time.ts'
export { countSends, watchSends, wrapConnection, wrapConnections, wrapDriver } from './wrapped-driver.ts'
