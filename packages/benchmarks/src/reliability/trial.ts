import { setTimeout as sleep } from 'node:timers/promises'
import { attachBroker, type RabbitmqBroker, type RabbitmqDescription, startFaultProxy } from '@waybill/brokers'
import { connect } from 'amqplib'
import { blocked, type BlockedOutcome } from './blocked.ts'
import type { Entrant } from './entrant.ts'
import { entrantNamed } from './entrants.ts'
import { type Arena, killBroker, type Outcome, resetDeliveries, resetSends } from './ordeal.ts'
import type { Trial } from './trials.ts'

/** What the parent says, as JSON in the first argument. */
export interface TrialOptions {
  readonly entrant: string
  readonly trial: Trial
  readonly queue: string
  readonly broker: RabbitmqDescription
}

export type TrialResult = (Outcome | BlockedOutcome) & {
  /** Thrown past every handler by the library: a program without a last resort would have ended. */
  readonly strayErrors: number
}

/** A quorum queue younger than that may not survive a kill: see the harness of the adapter. */
const registeredMs = 1_500
const prefetch = 16

async function run({ entrant: name, trial, queue, broker: description }: TrialOptions): Promise<TrialResult> {
  let strayErrors = 0
  process.on('uncaughtException', () => strayErrors++).on('unhandledRejection', () => strayErrors++)
  const broker = await attachBroker(description)
  await declare(broker.url, queue)
  const { hostname: host, port } = new URL(broker.url)
  const proxy = await startFaultProxy({ target: { host, port: Number(port) } })
  const entrant = entrantNamed(name)
  await entrant.open({ url: proxy.url(broker.url), queue, prefetch })
  const arena: Arena = {
    url: broker.url,
    queue,
    cut: () => void proxy.cut(),
    kill: () => faultsOf(broker).faults.kill(),
  }
  const outcome = await put(entrant, trial, arena, (on) => faultsOf(broker).control.setMemoryAlarm(on))
  return { ...outcome, strayErrors }
}

async function put(
  entrant: Entrant,
  trial: Trial,
  arena: Arena,
  block: (on: boolean) => Promise<void>,
): Promise<Outcome | BlockedOutcome> {
  switch (trial) {
    case 'sends':
      return resetSends(entrant, arena)
    case 'deliveries':
      return resetDeliveries(entrant, arena)
    case 'kills':
      await sleep(registeredMs)
      return killBroker(entrant, arena)
    case 'block':
      return blocked(entrant, block)
  }
}

function faultsOf({ faults, control }: RabbitmqBroker): Required<Pick<RabbitmqBroker, 'faults' | 'control'>> {
  if (faults === undefined || control === undefined) throw new Error('the peers need a broker that may be killed')
  return { faults, control }
}

/** Waybill makes queues of its own, under the same name as a channel. */
async function declare(url: string, queue: string): Promise<void> {
  const connection = await connect(url)
  const channel = await connection.createChannel()
  await channel.assertQueue(queue, { durable: true, arguments: { 'x-queue-type': 'quorum' } })
  await connection.close()
}

const result = await run(JSON.parse(process.argv[2] ?? '{}') as TrialOptions)
console.log(JSON.stringify(result))
// A library that hung may hold its sockets for ever.
process.exit()
