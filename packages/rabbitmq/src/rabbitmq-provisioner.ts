import type { Topology, TopologyReport } from '@waybill/core/driver'
import type { Channel } from 'amqplib'
import type { ChannelLoans } from './rabbitmq-channel-loans.ts'
import { classify, explainDeclaration } from './rabbitmq-errors.ts'
import {
  planOf,
  type Binding,
  type ChannelPlan,
  type ExchangeEntity,
  type QueueEntity,
  type TopologyDefaults,
} from './rabbitmq-topology.ts'

export type ProvisionMode = 'create' | 'verify' | 'known'

type Declare = (amqpChannel: Channel) => Promise<unknown>

/** Makes topology exist, or looks for it. Within one connection nothing is done twice until `forget`. */
export class Provisioner {
  readonly #loans: ChannelLoans
  readonly #defaults: TopologyDefaults
  #done = new Map<string, Promise<unknown>>()

  constructor(loans: ChannelLoans, defaults: TopologyDefaults) {
    this.#loans = loans
    this.#defaults = defaults
  }

  /** Calls `onPlan` for each channel once what it needs is there. */
  async provision(
    topology: Topology,
    mode: ProvisionMode,
    onPlan: (plan: ChannelPlan) => Promise<void>,
  ): Promise<TopologyReport> {
    const plans = topology.channels.map((channel) => planOf(channel, this.#defaults))
    const reports = await Promise.all(
      plans.map(async (plan) => {
        if (mode !== 'known') await this.#establish(plan, mode)
        await onPlan(plan)
        return mode === 'known' ? [] : [...plan.exchanges, ...plan.queues].map(({ name }) => name)
      }),
    )
    return { entities: reports.flat() }
  }

  /** Something is gone that was there: look, or make it, again. */
  forget(): void {
    this.#done.clear()
  }

  /** Bindings last: what they join must be there, and a message must not reach a queue before all of it is. */
  async #establish({ exchanges, queues, bindings, route }: ChannelPlan, mode: 'create' | 'verify'): Promise<void> {
    const isMade = mode === 'create'
    const entities = [...exchanges.map((each) => exchange(each, isMade)), ...queues.map((each) => queue(each, isMade))]
    const bound = isMade ? bindings.map(binding) : []
    try {
      await this.#all(mode, entities)
      await this.#all(mode, bound).catch((error: unknown) => this.#afresh(error, entities, bound))
    } catch (error) {
      throw explainDeclaration(error, route.channel)
    }
  }

  /** Somebody deleted what was just made, or known from before, between it and its bindings: all of it, once more. */
  async #afresh(error: unknown, entities: readonly Step[], bindings: readonly Step[]): Promise<void> {
    if (!isMissing(error)) throw error
    await this.#all('create', entities)
    await this.#all('create', bindings)
  }

  /** Waits for all, so that a failure leaves nothing running behind its back. */
  async #all(mode: string, steps: readonly Step[]): Promise<void> {
    const settled = await Promise.allSettled(steps.map((step) => this.#once(`${mode} ${step.what}`, step.declare)))
    for (const each of settled) if (each.status === 'rejected') throw each.reason
  }

  #once(what: string, declare: Declare): Promise<unknown> {
    const known = this.#done.get(what)
    if (known !== undefined) return known
    const done = this.#loans.use(declare)
    this.#done.set(what, done)
    done.catch((error: unknown) => this.#onFailure(what, error))
    return done
  }

  /** What is missing now may have been there a moment ago. */
  #onFailure(what: string, error: unknown): void {
    if (isMissing(error)) this.forget()
    else this.#done.delete(what)
  }
}

function isMissing(error: unknown): boolean {
  return classify(error) === 'notFound'
}

interface Step {
  /** Everything that is declared, so that the same name with other arguments is another step. */
  readonly what: string
  readonly declare: Declare
}

function exchange(entity: ExchangeEntity, isMade: boolean): Step {
  const { name, declared } = entity
  const what = JSON.stringify(['exchange', entity])
  if (declared === undefined || !isMade) return { what, declare: (amqpChannel) => amqpChannel.checkExchange(name) }
  const { type, ...options } = declared
  return { what, declare: (amqpChannel) => amqpChannel.assertExchange(name, type, { durable: true, ...options }) }
}

function queue(entity: QueueEntity, isMade: boolean): Step {
  const { name, declared } = entity
  const what = JSON.stringify(['queue', entity])
  if (declared === undefined || !isMade) return { what, declare: (amqpChannel) => amqpChannel.checkQueue(name) }
  return { what, declare: (amqpChannel) => amqpChannel.assertQueue(name, { durable: true, arguments: declared }) }
}

function binding(entity: Binding): Step {
  const { queue, exchange, routingKey } = entity
  return {
    what: JSON.stringify(['binding', entity]),
    declare: (amqpChannel) => amqpChannel.bindQueue(queue, exchange, routingKey),
  }
}
