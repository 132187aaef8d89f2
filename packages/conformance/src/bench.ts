export { DriverBench, freshName, topologyOf, until, type Opened, type TopologyShape } from './driver-bench.ts'
export { hold, numbered, receive, send, wireMessage, type Held, type Outcome, type Received } from './driver-traffic.ts'
