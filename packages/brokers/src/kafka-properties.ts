/** The ports inside the container. */
export const kafkaPorts = { plain: 9092, tls: 9093, sasl: 9094, saslTls: 9095 } as const

export type KafkaListener = keyof typeof kafkaPorts

/** For Kafka's own tools inside the container, which cannot reach what clients are told. */
export const internalAddress = '127.0.0.1:9091'

/** May do everything, by each SASL mechanism. */
export const superUser = { name: 'waybill', password: 'waybill-secret' } as const

const protocols = { plain: 'PLAINTEXT', tls: 'SSL', sasl: 'SASL_PLAINTEXT', saslTls: 'SASL_SSL' } as const

const loginModules = 'org.apache.kafka.common.security'
const scram = `${loginModules}.scram.ScramLoginModule required`
const logins = {
  PLAIN: `${loginModules}.plain.PlainLoginModule required user_${superUser.name}="${superUser.password}"`,
  'SCRAM-SHA-256': scram,
  'SCRAM-SHA-512': scram,
} as const

/** The properties that differ from start to start: who listens where, with which credentials and certificate. */
export function listenerProperties(
  host: string,
  ports: Readonly<Record<KafkaListener, number>>,
  keyStore: string,
): string {
  const names = Object.keys(kafkaPorts) as KafkaListener[]
  const internal = `INTERNAL://${internalAddress}`
  const own = names.map((listener) => `${protocols[listener]}://0.0.0.0:${kafkaPorts[listener]}`)
  const told = names.map((listener) => `${protocols[listener]}://${host}:${ports[listener]}`)
  const map = [...Object.values(protocols).map((protocol) => `${protocol}:${protocol}`), 'INTERNAL:PLAINTEXT']
  return [
    `listeners=${[...own, internal, 'CONTROLLER://127.0.0.1:9090'].join(',')}`,
    `advertised.listeners=${[...told, internal].join(',')}`,
    `listener.security.protocol.map=${[...map, 'CONTROLLER:PLAINTEXT'].join(',')}`,
    'inter.broker.listener.name=INTERNAL',
    'listener.name.internal.max.connections=1000',
    'controller.listener.names=CONTROLLER',
    'ssl.keystore.type=PEM',
    `ssl.keystore.location=${keyStore}`,
    `sasl.enabled.mechanisms=${Object.keys(logins).join(',')}`,
    ...[protocols.sasl, protocols.saslTls].flatMap(loginProperties),
    `super.users=User:ANONYMOUS;User:${superUser.name}`,
    '',
  ].join('\n')
}

function loginProperties(protocol: string): string[] {
  const prefix = `listener.name.${protocol.toLowerCase()}`
  return Object.entries(logins).map(([mechanism, login]) => {
    return `${prefix}.${mechanism.toLowerCase()}.sasl.jaas.config=${login};`
  })
}

/** The ports for clients inside the container of a cluster, by node. */
export const clusterPorts = { 1: 9092, 2: 9093, 3: 9094 } as const

export type ClusterNode = `${keyof typeof clusterPorts}`

export const clusterNodes = Object.keys(clusterPorts) as ClusterNode[]

/** All properties of one of three nodes that share a container; clients are told `address`. */
export function clusterProperties(node: ClusterNode, address: string): string {
  const voters = clusterNodes.map((each) => `${each}@127.0.0.1:919${each}`)
  const internal = `INTERNAL://127.0.0.1:929${node}`
  return [
    'process.roles=broker,controller',
    `node.id=${node}`,
    `controller.quorum.voters=${voters.join(',')}`,
    `log.dirs=/var/lib/kafka/data/${node}`,
    `listeners=PLAINTEXT://0.0.0.0:${clusterPorts[node]},${internal},CONTROLLER://127.0.0.1:919${node}`,
    `advertised.listeners=PLAINTEXT://${address},${internal}`,
    'listener.security.protocol.map=PLAINTEXT:PLAINTEXT,INTERNAL:PLAINTEXT,CONTROLLER:PLAINTEXT',
    'inter.broker.listener.name=INTERNAL',
    'controller.listener.names=CONTROLLER',
    'default.replication.factor=3',
    'min.insync.replicas=2',
    'offsets.topic.replication.factor=3',
    'offsets.topic.num.partitions=5',
    'auto.create.topics.enable=false',
    'group.initial.rebalance.delay.ms=0',
    'group.min.session.timeout.ms=1000',
    'broker.heartbeat.interval.ms=500',
    'broker.session.timeout.ms=3000',
    // Leaders go back to where they were soon after a node is back.
    'leader.imbalance.check.interval.seconds=2',
    'log.cleaner.dedupe.buffer.size=16777216',
    '',
  ].join('\n')
}
