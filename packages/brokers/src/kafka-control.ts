import type { ContainerHandle } from './container.ts'
import { internalAddress, kafkaPorts } from './kafka-properties.ts'
import { checkAnswers, sendSetting } from './kafka-settings-request.ts'

/** `node.id` in the recipe. */
const nodeId = '1'
const configCommand = 'kafka.admin.ConfigCommand'
const toolDeadlineMs = 60_000
const quick = ['-XX:SharedArchiveFile=/opt/kafka/kafka.jsa', '-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC', '-Xmx128m']
const quiet = ['-Dorg.slf4j.simpleLogger.defaultLogLevel=error', '-cp', '/opt/kafka/libs/*']
const scramMechanisms = ['SCRAM-SHA-256', 'SCRAM-SHA-512']

/** What an operator of Kafka could do; each call resolves when the broker has done it, after the second or two of a Java start. */
export interface KafkaControl {
  /** Runs one of Kafka's own tools by its class, such as `kafka.admin.ConfigCommand`, against the broker; resolves to its output. */
  tool(className: string, ...args: readonly string[]): Promise<string>
  /** The same with `input` on its standard input, for those that read messages there. */
  pipe(input: string, className: string, ...args: readonly string[]): Promise<string>
  /** Makes a user for SCRAM-SHA-256 and SCRAM-SHA-512, or changes its password; it may do nothing until `allow`. */
  createUser(user: string, password: string): Promise<void>
  /** Deletes a user's credentials. Kafka leaves its open connections alone: `forbid` ends what they may do. */
  deleteUser(user: string): Promise<void>
  /** Lets a user do everything with every topic, group and transaction. */
  allow(user: string): Promise<void>
  /** Takes back what `allow` gave; also open connections may then do nothing. */
  forbid(user: string): Promise<void>
  /** Changes settings of a topic, such as `max.message.bytes`; `null` returns one to its default. */
  setTopicConfig(topic: string, changes: Readonly<Record<string, string | null>>): Promise<void>
  /** Closes every client's connections, and lets nobody in until so long after the last is closed: at once by default. */
  closeConnections(shutForMs?: number): Promise<void>
  /** Compacts a topic within about a second of each write from now on, but for its last segment: write once more to end that. */
  compactSoon(topic: string): Promise<void>
}

/** As many connections of the broker's own listener, which are never closed, leave no room for others. */
const crowd = 30
const connectionLimit = (value: string | null): string => sendSetting({ nodeId, name: 'max.connections', value })

/** The far ends of clients' connections, as Linux lists them: state 01 is established. */
const clients = String.raw`cat /proc/net/tcp /proc/net/tcp6 | awk '$4 == "01" && $2 ~ /:(${Object.values(kafkaPorts)
  .map((port) => port.toString(16).toUpperCase().padStart(4, '0'))
  .join('|')})$/ { print $3 }' | sort -u`

/**
 * Kafka closes connections above a limit, except those of the listener of its own, and lets nobody in meanwhile, nor for
 * `$1` seconds more. A limit of 1 would do without a crowd, but holds for the controller too, whose few connections have to
 * stay.
 */
const crowdOut = `
exec 5<>/dev/tcp/${internalAddress.replace(':', '/')}
for number in $(seq 10 ${9 + crowd}); do eval "exec $number<>/dev/tcp/${internalAddress.replace(':', '/')}"; done
before=$(${clients})
${connectionLimit(String(crowd))}
for look in $(seq 100); do
  left=$(comm -12 <(echo "$before") <(${clients}) | grep -c :)
  [ "$left" = 0 ] && break
  sleep 0.05
done
sleep "$1"
${connectionLimit(null)}
[ "$left" = 0 ]
`

function toolCommand(className: string): string[] {
  return ['env', 'LC_ALL=C.UTF-8', 'java', ...quick, ...quiet, className, '--bootstrap-server', internalAddress]
}

function settingsOf(type: string, name: string): string[] {
  return ['--alter', '--entity-type', type, '--entity-name', name]
}

/** Controls through Kafka's own tools in the container. */
export function kafkaControl(container: ContainerHandle): KafkaControl {
  const tool: KafkaControl['tool'] = (className, ...args) =>
    container.exec([...toolCommand(className), ...args], toolDeadlineMs)
  const pipe: KafkaControl['pipe'] = (input, className, ...args) => {
    const command = [...toolCommand(className), ...args]
    return container.exec(['bash', '-c', 'printf %s "$1" | "${@:2}"', 'pipe', input, ...command], toolDeadlineMs)
  }
  const configure = async (type: string, name: string, ...args: readonly string[]): Promise<void> => {
    await tool(configCommand, ...settingsOf(type, name), ...args)
  }
  const changeRights = async (how: '--add' | '--remove', user: string): Promise<void> => {
    const everything = ['--topic', '*', '--group', '*', '--transactional-id', '*', '--cluster']
    const rights = ['--allow-principal', `User:${user}`, '--operation', 'All', '--force', ...everything]
    await tool('org.apache.kafka.tools.AclCommand', how, ...rights)
  }
  const setTopicConfig: KafkaControl['setTopicConfig'] = async (topic, changes) => {
    const entries = Object.entries(changes)
    const set = entries.filter(([, value]) => value !== null).map(([key, value]) => `${key}=[${value}]`)
    const unset = entries.filter(([, value]) => value === null).map(([key]) => key)
    const args = [
      ...(set.length === 0 ? [] : ['--add-config', set.join(',')]),
      ...(unset.length === 0 ? [] : ['--delete-config', unset.join(',')]),
    ]
    await configure('topics', topic, ...args)
  }
  return {
    tool,
    pipe,
    async createUser(user, password) {
      for (const mechanism of scramMechanisms)
        await configure('users', user, '--add-config', `${mechanism}=[password=${password}]`)
    },
    async deleteUser(user) {
      for (const mechanism of scramMechanisms) await configure('users', user, '--delete-config', mechanism)
    },
    allow: (user) => changeRights('--add', user),
    forbid: (user) => changeRights('--remove', user),
    setTopicConfig,
    async closeConnections(shutForMs = 0) {
      const command = ['bash', '-c', crowdOut, 'crowd', String(shutForMs / 1_000)]
      checkAnswers(await container.exec(command, toolDeadlineMs), 2)
    },
    compactSoon: (topic) =>
      setTopicConfig(topic, {
        'cleanup.policy': 'compact',
        'segment.ms': '100',
        'min.cleanable.dirty.ratio': '0.001',
        'delete.retention.ms': '100',
      }),
  }
}
