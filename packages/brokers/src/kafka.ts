import type { Broker, BrokerDescription, BrokerFixture } from './broker.ts'
import { BrokerError, reasonOf } from './broker-error.ts'
import { makeCertificates, type TestCertificates } from './certificates.ts'
import { type ContainerHandle, containerHandle, startContainer } from './container.ts'
import { containerFaults } from './container-faults.ts'
import { eventually } from './deadline.ts'
import { ensureEngine } from './engine.ts'
import { ensureImage } from './image.ts'
import { type KafkaControl, kafkaControl } from './kafka-control.ts'
import { clientHost, firstBroker, kafkaRelease, serving } from './kafka-greeting.ts'
import { type KafkaListener, kafkaPorts, listenerProperties, superUser } from './kafka-properties.ts'
import type { Progress } from './progress.ts'
import { recipes, recipeText } from './recipe.ts'

const folder = '/etc/waybill'

/** Plain data about a Kafka; what a broker run by somebody else does not offer is absent. */
export interface KafkaDescription extends BrokerDescription {
  readonly name: 'kafka'
  /** TLS, with `certificates.valid`; who connects may do everything, as at `url`. */
  readonly tlsUrl?: string
  /** SASL without TLS, by PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512, with a user who may do everything. */
  readonly saslUrl?: string
  /** The same with TLS. */
  readonly saslTlsUrl?: string
  /** The authority to trust, and bad certificates for `startTlsFront`. */
  readonly certificates?: TestCertificates
}

export interface KafkaBroker extends Broker<KafkaDescription>, Omit<KafkaDescription, 'containerId'> {
  readonly name: 'kafka'
  /** Absent for a broker that somebody else runs. */
  readonly control?: KafkaControl
}

export const kafkaFixture: BrokerFixture<KafkaBroker> = {
  async start(progress) {
    const url = process.env.WAYBILL_KAFKA_URL
    return url ? existingKafka(url) : startKafka(progress)
  },
  async attach(description) {
    const { containerId, ...parts } = description
    const broker = { ...parts, description }
    if (containerId === undefined) return broker
    const container = containerHandle(await ensureEngine(), containerId)
    return {
      ...broker,
      faults: containerFaults(container, () => serving(description.url)),
      control: kafkaControl(container),
    }
  },
}

async function existingKafka(url: string): Promise<KafkaDescription> {
  try {
    const version = await eventually('an answer of Kafka', 10_000, () => kafkaRelease(url), 500)
    return { name: 'kafka', version, url }
  } catch (thrown) {
    const where = canParse(url) ? firstBroker(url).host : 'an address that is no URL'
    throw new BrokerError(
      'startFailed',
      `WAYBILL_KAFKA_URL is set, but no Kafka answers at ${where}: ${reasonOf(thrown)}`,
      { cause: thrown },
    )
  }
}

async function startKafka(progress: Progress): Promise<KafkaDescription> {
  const recipe = recipes.kafka
  const engine = await ensureEngine(progress)
  const image = await ensureImage(engine, recipe, progress)
  const hosts = [...new Set([engine.info.containerRuntime.host, 'localhost', '127.0.0.1', '::1'])]
  const certificates = await makeCertificates(hosts)
  const keyStore = `${folder}/key-store.pem`
  const { id, host, ports } = await startContainer(engine, {
    broker: recipe.name,
    image,
    ports: kafkaPorts,
    files: (at) => [
      { path: `${folder}/start-kafka.sh`, content: recipeText(recipe, 'start-kafka.sh') },
      {
        path: `${folder}/kafka.properties`,
        content: recipeText(recipe, 'kafka.properties') + listenerProperties(clientHost(at.host), at.ports, keyStore),
      },
      { path: keyStore, content: `${certificates.valid.key}\n${certificates.valid.cert}\n` },
    ],
    command: ['sh', `${folder}/start-kafka.sh`],
    environment: { SUPER_USER: superUser.name, SUPER_PASSWORD: superUser.password },
    readyLine: /Kafka Server started/,
  })
  const urls = addresses(clientHost(host), ports)
  await serving(urls.url)
  const version = await versionIn(containerHandle(engine, id))
  return { name: 'kafka', version, containerId: id, certificates, ...urls }
}

function addresses(host: string, ports: Readonly<Record<KafkaListener, number>>) {
  const login = `${superUser.name}:${superUser.password}`
  return {
    url: `kafka://${host}:${ports.plain}`,
    tlsUrl: `kafkas://${host}:${ports.tls}`,
    saslUrl: `kafka://${login}@${host}:${ports.sasl}`,
    saslTlsUrl: `kafkas://${login}@${host}:${ports.saslTls}`,
  }
}

/** No answer of the protocol states a patch release; the broker's jar does. */
async function versionIn(container: ContainerHandle): Promise<string> {
  const jars = await container.exec(['ls', '/opt/kafka/libs'])
  return /^kafka_[\d.]+-(\d[\w.]*)\.jar$/m.exec(jars)?.[1] ?? 'unknown'
}

function canParse(url: string): boolean {
  try {
    return firstBroker(url).host !== ''
  } catch {
    return false
  }
}
