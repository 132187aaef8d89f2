import { amqpVersion } from './amqp-greeting.ts'
import type { Broker, BrokerDescription, BrokerFixture } from './broker.ts'
import { BrokerError, reasonOf } from './broker-error.ts'
import { makeCertificates, type TestCertificates } from './certificates.ts'
import { containerHandle, startContainer } from './container.ts'
import { containerFaults } from './container-faults.ts'
import { eventually } from './deadline.ts'
import { ensureEngine } from './engine.ts'
import { ensureImage } from './image.ts'
import type { Progress } from './progress.ts'
import { type RabbitmqControl, rabbitmqControl } from './rabbitmq-control.ts'
import { recipes, recipeText } from './recipe.ts'

const readyDeadlineMs = 60_000
const certificateFolder = '/etc/rabbitmq/waybill-tls'
const tlsConfiguration = `listeners.ssl.default = 5671
ssl_options.cacertfile = ${certificateFolder}/ca.pem
ssl_options.certfile = ${certificateFolder}/cert.pem
ssl_options.keyfile = ${certificateFolder}/key.pem
ssl_options.verify = verify_none
ssl_options.fail_if_no_peer_cert = false
`

/** Plain data about a RabbitMQ; what a broker run by somebody else does not offer is absent. */
export interface RabbitmqDescription extends BrokerDescription {
  readonly name: 'rabbitmq'
  /** The HTTP API, with credentials. For a broker at `WAYBILL_RABBITMQ_URL`: `WAYBILL_RABBITMQ_MANAGEMENT_URL`. */
  readonly managementUrl?: string
  readonly stompUrl?: string
  /** The broker's own TLS listener, which shows `certificates.valid`. */
  readonly tlsUrl?: string
  /** The authority to trust, and bad certificates for `startTlsFront`. */
  readonly certificates?: TestCertificates
}

export interface RabbitmqBroker extends Broker<RabbitmqDescription>, Omit<RabbitmqDescription, 'containerId'> {
  readonly name: 'rabbitmq'
  /** Absent for a broker that somebody else runs. */
  readonly control?: RabbitmqControl
}

export const rabbitmqFixture: BrokerFixture<RabbitmqBroker> = {
  async start(progress) {
    const url = process.env.WAYBILL_RABBITMQ_URL
    return url ? existingRabbitmq(url) : startRabbitmq(progress)
  },
  async attach(description) {
    const { containerId, managementUrl, ...parts } = description
    const broker = { ...parts, ...(managementUrl === undefined ? {} : { managementUrl }), description }
    if (containerId === undefined || managementUrl === undefined) return broker
    const container = containerHandle(await ensureEngine(), containerId)
    return {
      ...broker,
      faults: containerFaults(container, () => serving(description)),
      control: rabbitmqControl(container, managementUrl),
    }
  },
}

async function existingRabbitmq(url: string): Promise<RabbitmqDescription> {
  try {
    const version = await eventually('an AMQP greeting', 10_000, () => amqpVersion(url), 500)
    const managementUrl = process.env.WAYBILL_RABBITMQ_MANAGEMENT_URL
    return { name: 'rabbitmq', version, url, ...(managementUrl ? { managementUrl } : {}) }
  } catch (thrown) {
    const where = URL.canParse(url) ? new URL(url).host : 'an address that is no URL'
    throw new BrokerError(
      'startFailed',
      `WAYBILL_RABBITMQ_URL is set, but no RabbitMQ answers at ${where}: ${reasonOf(thrown)}`,
      {
        cause: thrown,
      },
    )
  }
}

async function startRabbitmq(progress: Progress): Promise<RabbitmqDescription> {
  const recipe = recipes.rabbitmq
  const engine = await ensureEngine(progress)
  const image = await ensureImage(engine, recipe, progress)
  const hosts = [...new Set([engine.info.containerRuntime.host, 'localhost', '127.0.0.1', '::1'])]
  const certificates = await makeCertificates(hosts)
  const { id, host, ports } = await startContainer(engine, {
    broker: recipe.name,
    image,
    ports: { amqp: 5672, amqps: 5671, management: 15672, stomp: 61613 },
    files: () => [
      { path: '/etc/rabbitmq/enabled_plugins', content: recipeText(recipe, 'enabled_plugins') },
      { path: '/etc/rabbitmq/conf.d/50-waybill.conf', content: recipeText(recipe, 'waybill.conf') },
      { path: '/etc/rabbitmq/conf.d/60-waybill-tls.conf', content: tlsConfiguration },
      { path: `${certificateFolder}/ca.pem`, content: certificates.ca },
      { path: `${certificateFolder}/cert.pem`, content: certificates.valid.cert },
      { path: `${certificateFolder}/key.pem`, content: certificates.valid.key },
    ],
    readyLine: /startup complete/i,
  })
  const urls = {
    url: `amqp://guest:guest@${host}:${ports.amqp}`,
    tlsUrl: `amqps://guest:guest@${host}:${ports.amqps}`,
    managementUrl: `http://guest:guest@${host}:${ports.management}`,
    stompUrl: `stomp://guest:guest@${host}:${ports.stomp}`,
  }
  const version = await serving(urls)
  return { name: 'rabbitmq', version, containerId: id, certificates, ...urls }
}

/** Resolves to the version once both the broker and its management API answer. */
function serving({ url, managementUrl }: Pick<RabbitmqDescription, 'url' | 'managementUrl'>): Promise<string> {
  return eventually(`RabbitMQ serving at ${new URL(url).host}`, readyDeadlineMs, async () => {
    const version = await amqpVersion(url)
    if (managementUrl === undefined) return version
    const answer = await fetch(new URL('/', managementUrl.replace(/\/\/[^@/]*@/, '//')), {
      signal: AbortSignal.timeout(5_000),
    })
    await answer.body?.cancel()
    return answer.ok ? version : undefined
  })
}
