import type { Address, Capabilities, Clock, Outgoing, SendDone, SendFailure, WireMessage } from '@waybill/core/driver'
import type { MemoryBroker } from './memory-broker.ts'
import { MemoryChannel } from './memory-channel.ts'
import { connectionLost, MemoryBrokerError, unsupported } from './memory-errors.ts'
import type { MemoryLane } from './memory-lane.ts'
import type { MemoryNames } from './memory-names.ts'
import { StoredMessage } from './stored-message.ts'
import { sizeProblem } from './wire-limits.ts'

export interface SenderOptions {
  readonly broker: MemoryBroker
  readonly capabilities: Capabilities
  readonly clock: Clock
  readonly names: MemoryNames
}

/** Takes messages into the broker. What it confirms is stored. */
export class MemorySender {
  readonly #broker: MemoryBroker
  readonly #capabilities: Capabilities
  readonly #clock: Clock
  readonly #names: MemoryNames

  constructor(options: SenderOptions) {
    this.#broker = options.broker
    this.#capabilities = options.capabilities
    this.#clock = options.clock
    this.#names = options.names
  }

  /** Stores a batch, entry by entry, and confirms each at once. */
  send(to: Address, batch: readonly Outgoing[], done: SendDone): void {
    const failure = this.batchFailure(to, batch)
    if (failure !== undefined) {
      failFrom(0, batch.length, done, failure)
      return
    }
    const target = this.#targetOf(to) as MemoryChannel | MemoryLane
    const nowMs = Math.floor(this.#clock.monotonic())
    for (let index = 0; index < batch.length; index++) {
      const entry = batch[index] as Outgoing
      const problem = this.#problemOf(to, target, entry)
      if (problem === undefined) this.#store(target, entry, nowMs)
      done(index, problem === undefined ? undefined : { error: problem, outcome: 'notSent' })
    }
  }

  /** Why the whole batch cannot be taken. */
  batchFailure(to: Address, batch: readonly Outgoing[]): SendFailure | undefined {
    const error = this.#batchProblem(to, batch)
    return error === undefined ? undefined : { error, outcome: 'notSent' }
  }

  /** Stores one entry; answers why not. */
  storeOne(to: Address, entry: Outgoing): MemoryBrokerError | undefined {
    const target = this.#targetOf(to)
    if (target instanceof Error) return target
    const problem = this.#problemOf(to, target, entry)
    if (problem === undefined) this.#store(target, entry, Math.floor(this.#clock.monotonic()))
    return problem
  }

  #batchProblem(to: Address, batch: readonly Outgoing[]): unknown {
    const { maxBatch, maxBatchBytes, perEntryResult } = this.#capabilities.send
    const target = this.#targetOf(to)
    if (target instanceof Error) return target
    if (batch.length > maxBatch)
      return unsupported(`a batch of ${batch.length} was sent; at most ${maxBatch} are taken`)
    if (batch.length > 1 && bodyBytes(batch) > maxBatchBytes) {
      return unsupported(`a batch of more than ${maxBatchBytes} bytes was sent`)
    }
    return perEntryResult ? undefined : this.#firstProblem(to, target, batch)
  }

  #targetOf(to: Address): MemoryChannel | MemoryLane | MemoryBrokerError {
    try {
      return to.group === undefined ? this.#names.channel(to.channel) : this.#names.lane(to)
    } catch (error) {
      return error as MemoryBrokerError
    }
  }

  #firstProblem(to: Address, target: MemoryChannel | MemoryLane, batch: readonly Outgoing[]): unknown {
    for (const entry of batch) {
      const problem = this.#problemOf(to, target, entry)
      if (problem !== undefined) return problem
    }
    return undefined
  }

  #problemOf(to: Address, target: MemoryChannel | MemoryLane, entry: Outgoing): MemoryBrokerError | undefined {
    const problem = sizeProblem(entry.message, this.#capabilities)
    if (problem !== undefined) return problem
    if (to.lane !== undefined && to.lane !== 'main') return this.#laneProblem(to.lane, entry)
    if (target instanceof MemoryChannel && !target.isBound && this.#capabilities.send.detectsUnroutable) {
      return new MemoryBrokerError('unroutable', `no group is bound to channel "${to.channel}"`)
    }
    const { delayMs } = entry
    return delayMs !== undefined && delayMs > 0 ? this.#delayProblem(to, delayMs) : undefined
  }

  #laneProblem(lane: string, { delayMs }: Outgoing): MemoryBrokerError | undefined {
    if (delayMs !== undefined && delayMs > 0) return unsupported(`a delayed message was sent to lane "${lane}"`)
    if (lane === 'dead' && this.#capabilities.deadLetter === 'native') return unsupported('a dead letter was sent')
    if (lane !== 'dead' && !this.#capabilities.delayLanes) return unsupported(`a message was sent to lane "${lane}"`)
    return undefined
  }

  #delayProblem(to: Address, delayMs: number): MemoryBrokerError | undefined {
    const { delayedSend } = this.#capabilities
    const maxMs = (to.group === undefined ? delayedSend?.toChannelMs : delayedSend?.toGroupMs) ?? 0
    const whereTo =
      to.group === undefined ? `channel "${to.channel}"` : `group "${to.group}" of channel "${to.channel}"`
    if (delayedSend === undefined || delayMs > maxMs) {
      return unsupported(`a delay of ${delayMs} ms to ${whereTo} was asked for; at most ${maxMs} ms are possible`)
    }
    const groups = this.#names.groups(to)
    if (!delayedSend.withOrder && groups.some((group) => group.keyed)) {
      return unsupported(`a delay to ${whereTo}, which keeps order, was asked for`)
    }
    if (delayedSend.tiersOnly && !groups.every((group) => group.tiersMs.has(delayMs))) {
      return unsupported(`a delay of ${delayMs} ms to ${whereTo} was asked for, which is not among those provisioned`)
    }
    return undefined
  }

  #store(target: MemoryChannel | MemoryLane, { message: given, delayMs }: Outgoing, nowMs: number): void {
    const message = ownCopy(given)
    if (delayMs !== undefined && delayMs > 0) this.#storeDelayed(target, message, delayMs, nowMs)
    else if (target instanceof MemoryChannel) target.publish(message, nowMs)
    else target.add(message, nowMs)
  }

  #storeDelayed(target: MemoryChannel | MemoryLane, message: WireMessage, delayMs: number, nowMs: number): void {
    const stepMs = this.#capabilities.delayedSend?.granularityMs ?? 1
    const wholeMs = Math.ceil(delayMs / stepMs) * stepMs
    target.delayed++
    const fire =
      target instanceof MemoryChannel
        ? () => {
            target.delayed--
            target.publish(message, nowMs + wholeMs)
          }
        : () => target.addDelayed(new StoredMessage(message, 0, nowMs + wholeMs))
    this.#broker.schedule.after(wholeMs, this.#clock, fire)
  }
}

/** Fails the entries from `index` on. */
export function failFrom(index: number, end: number, done: SendDone, failure: SendFailure): void {
  for (let each = index; each < end; each++) done(each, failure)
}

export function lostFailure(outcome: SendFailure['outcome']): SendFailure {
  return { error: connectionLost(), outcome }
}

function bodyBytes(batch: readonly Outgoing[]): number {
  let bytes = 0
  for (const { message } of batch) bytes += message.body?.byteLength ?? 0
  return bytes
}

/** With bytes of the broker's own: what the sender writes into its buffer later changes nothing. */
function ownCopy(message: WireMessage): WireMessage {
  const { body } = message
  return body === undefined ? message : { ...message, body: Buffer.from(body) }
}
