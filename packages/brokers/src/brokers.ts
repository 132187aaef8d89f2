import type { BrokerFixture, StartedBroker } from './broker.ts'
import { BrokerError } from './broker-error.ts'
import { containerHandle } from './container.ts'
import { ensureEngine } from './engine.ts'
import { type KafkaBroker, kafkaFixture } from './kafka.ts'
import { type Progress, toStandardError } from './progress.ts'
import { type RabbitmqBroker, rabbitmqFixture } from './rabbitmq.ts'

/** The brokers this package knows, by name. */
export interface Brokers {
  kafka: KafkaBroker
  rabbitmq: RabbitmqBroker
}

export type BrokerName = keyof Brokers

const fixtures: { readonly [Name in BrokerName]: BrokerFixture<Brokers[Name]> } = {
  kafka: kafkaFixture,
  rabbitmq: rabbitmqFixture,
}

/**
 * Starts a broker, or uses the one that `WAYBILL_<BROKER>_URL` names, and resolves when it serves clients.
 *
 * Prepares the engine and the image when `prepare` has not. The container goes when this process ends, however it ends.
 *
 * @throws `engineUnavailable`, `imageUnavailable`, `startFailed`, `timeout`
 */
export async function startBroker<Name extends BrokerName>(
  name: Name,
  progress: Progress = toStandardError,
): Promise<StartedBroker<Brokers[Name]>> {
  const fixture = fixtureOf(name)
  const broker = await fixture.attach(await fixture.start(progress))
  const { containerId } = broker.description
  const stop = async (): Promise<void> => {
    if (containerId !== undefined) await containerHandle(await ensureEngine(progress), containerId).remove()
  }
  return Object.assign(broker, { stop, [Symbol.asyncDispose]: stop })
}

/** The same broker, with its faults and controls, in a process that did not start it: pass on `description`. */
export function attachBroker<Name extends BrokerName>(
  description: Brokers[Name]['description'] & { readonly name: Name },
): Promise<Brokers[Name]> {
  return fixtureOf(description.name).attach(description)
}

function fixtureOf<Name extends BrokerName>(name: Name): BrokerFixture<Brokers[Name]> {
  if (Object.hasOwn(fixtures, name)) return fixtures[name]
  throw new BrokerError('unknownBroker', `unknown broker "${name}"; known: ${Object.keys(fixtures).join(', ')}`)
}
