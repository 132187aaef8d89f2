import { type ContainerHandle, containerHandle, startContainer } from './container.ts'
import { ensureEngine } from './engine.ts'
import { ensureImage } from './image.ts'
import { clientHost, serving } from './kafka-greeting.ts'
import { type ClusterNode, clusterNodes, clusterPorts, clusterProperties } from './kafka-properties.ts'
import { type Progress, toStandardError } from './progress.ts'
import { recipes, recipeText } from './recipe.ts'

/** One of the brokers of a cluster, at an address that it keeps. */
export interface KafkaNode {
  readonly url: string
  /** Resolves when its process is gone: in order, leaders handed over, or by SIGKILL. */
  stop(how: 'politely' | 'kill'): Promise<void>
  /** Resolves when it serves clients again. */
  start(): Promise<void>
}

/** Three brokers, each a controller too: topics have three replicas, of which two must have a message. */
export interface KafkaCluster extends AsyncDisposable {
  /** Names all of them. */
  readonly url: string
  readonly nodes: readonly KafkaNode[]
  /** Removes the container with its data. May be called again. */
  stop(): Promise<void>
}

const stopDeadlineMs = 30_000
const folder = '/etc/waybill'

/**
 * Starts three Kafkas in one container and resolves when all of them serve clients.
 *
 * For what one broker cannot show: leaders and coordinators that move, replicas that fall behind. Listens without TLS and
 * without credentials.
 *
 * @throws `engineUnavailable`, `imageUnavailable`, `startFailed`, `timeout`
 */
export async function startKafkaCluster(progress: Progress = toStandardError): Promise<KafkaCluster> {
  const recipe = recipes.kafka
  const engine = await ensureEngine(progress)
  const image = await ensureImage(engine, recipe, progress)
  const started = await startContainer(engine, {
    broker: recipe.name,
    image,
    ports: clusterPorts,
    files: (at) => [
      { path: `${folder}/start-kafka-cluster.sh`, content: recipeText(recipe, 'start-kafka-cluster.sh') },
      ...clusterNodes.map((node) => ({
        path: `${folder}/node-${node}.properties`,
        content: clusterProperties(node, `${clientHost(at.host)}:${at.ports[node]}`),
      })),
    ],
    command: ['sh', `${folder}/start-kafka-cluster.sh`],
    readyLine: /Kafka Server started/,
  })
  const container = containerHandle(engine, started.id)
  const addressOf = (node: ClusterNode): string => `${clientHost(started.host)}:${started.ports[node]}`
  const nodes = clusterNodes.map((node) => nodeIn(container, node, `kafka://${addressOf(node)}`))
  await Promise.all(nodes.map(({ url }) => serving(url)))
  const stop = (): Promise<void> => container.remove()
  return { url: `kafka://${clusterNodes.map(addressOf).join(',')}`, nodes, stop, [Symbol.asyncDispose]: stop }
}

function nodeIn(container: ContainerHandle, node: ClusterNode, url: string): KafkaNode {
  const shell = (command: string): Promise<string> => container.exec(['sh', '-c', command], stopDeadlineMs)
  return {
    url,
    async stop(how) {
      const signal = how === 'kill' ? 'KILL' : 'TERM'
      await shell(
        `touch /tmp/down-${node}; kill -${signal} "$(cat /tmp/pid-${node})"; while [ -e /tmp/pid-${node} ]; do sleep 0.1; done`,
      )
    },
    async start() {
      await shell(`rm -f /tmp/down-${node}`)
      await serving(url)
    },
  }
}
