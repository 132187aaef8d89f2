import { type AdapterMutant, inAdapter } from '../adapter-mutant.ts'
import { inCore } from '../core/core-mutant.ts'

const inRabbitmq = inAdapter('rabbitmq')

/** Every RabbitMQ adapter that is broken by a patch. */
export const brokenRabbitmq: readonly AdapterMutant[] = [
  {
    name: 'rabbitmq-acks-before-the-handler',
    story: 'Acknowledges what it hands on, and not what was handled.',
    patches: inRabbitmq(
      'listener',
      'void this.#options.onDelivery(delivery).then((settlement) => this.#settle(message, consumer, settlement))',
      "void this.#options.onDelivery(delivery)\n    this.#settle(message, consumer, { kind: 'accept' })",
    ),
    red: {
      'SET-08': /heir: [\d.]+ messages handled: not within/,
    },
  },
  {
    name: 'rabbitmq-ignores-confirms',
    story: 'Answers a publish when it is written.',
    patches: inRabbitmq('publisher', 'this.#window.push(batch, index, routingKey)', 'batch.done(index)'),
    red: {
      'SND-02': /expected a rejection with unavailable,timeout,failedPrecondition,permissionDenied, but it/,
    },
  },
  {
    name: 'rabbitmq-takes-a-nack-for-a-confirm',
    story: 'Treats basic.nack like basic.ack.',
    patches: inRabbitmq(
      'publisher',
      'window.confirm(deliveryTag, multiple, this.#refused())',
      'window.confirm(deliveryTag, multiple)',
    ),
    red: {
      'SND-02': /expected a rejection with unavailable,timeout,failedPrecondition,permissionDenied, but it/,
    },
  },
  {
    name: 'rabbitmq-drops-the-mandatory-flag',
    story: 'Publishes without asking for what cannot be routed to come back.',
    patches: inRabbitmq('message-mapper', 'mandatory: true', 'mandatory: false'),
    red: {
      'SND-03': /expected a rejection with unroutable, but it resolved with \{ id:/,
    },
  },
  {
    name: 'rabbitmq-ignores-returns',
    story: 'Asks for what cannot be routed to come back, and does not listen.',
    patches: inRabbitmq('publisher', "amqpChannel.on('return', (message: Message) => this.#onReturn(message))", ''),
    red: {
      'SND-03': /expected a rejection with unroutable, but it resolved with \{ id:/,
    },
  },
  {
    name: 'rabbitmq-does-not-requeue',
    story: 'Gives messages back with requeue: false, which dead-letters them.',
    patches: inRabbitmq('acknowledger', 'nack(message, false, true)', 'nack(message, false, false)'),
    red: {
      'SET-07': /round [\d.]+: [\d.]+ runs: not within/,
    },
  },
  {
    name: 'rabbitmq-acknowledges-multiple',
    story: 'Acknowledges all up to the highest tag, whatever else is unsettled.',
    patches: inRabbitmq(
      'acknowledger',
      'const isAll = accepted.length === this.#unsettled',
      'const isAll = accepted.length > 0',
    ),
    red: {
      'SET-16': /!== 1000$|2500 runs: not within/m,
    },
  },
  {
    name: 'rabbitmq-keeps-delays-in-memory',
    story: 'Makes delay queues that do not survive a restart.',
    patches: inRabbitmq(
      'topology',
      "return { 'x-queue-type': 'quorum', 'x-message-ttl': delayMs + 1, ...moved, ",
      "return { 'x-message-ttl': delayMs + 1, 'x-dead-letter-exchange': '', ",
    ).concat(
      inRabbitmq(
        'provisioner',
        'amqpChannel.assertQueue(name, { durable: true,',
        "amqpChannel.assertQueue(name, { durable: !name.includes('/delay.'),",
      ),
    ),
    red: {
      'RTY-09/a restart of the broker': /billing: [\d.]+ messages handled: not within/,
    },
  },
  {
    name: 'rabbitmq-delays-too-short',
    story: 'Lets the time to live of a delay end before the delay does.',
    patches: inRabbitmq('topology', "'x-message-ttl': delayMs + 1", "'x-message-ttl': Math.floor(delayMs / 2)"),
    red: {
      'SET-04/a long delay does not hold up a short one': /[\d.]+ ms asked, [\d.]+ ms waited/,
    },
  },
  {
    name: 'rabbitmq-picks-shards-at-random',
    story: 'Spreads messages of one key over all shards.',
    patches: inRabbitmq(
      'sender',
      'key === undefined ? this.#keyless++ % shards : shardOf(key, shards)',
      '(this.#keyless = (this.#keyless * 5 + 3) % 1_009) % shards + 0 * shardOf(String(key), shards)',
    ),
    red: {
      'ORD-07': /^the order of "k" at the broker/,
    },
  },
  {
    name: 'rabbitmq-lets-members-share-a-shard',
    story: 'Declares shards without a single active consumer.',
    patches: inRabbitmq('topology', "...(keyed ? { 'x-single-active-consumer': true } : {}),", '...(keyed ? {} : {}),'),
    red: {
      'ORD-02': /[\d.]+ runs of one key at a time/,
    },
  },
  {
    name: 'rabbitmq-sets-no-prefetch',
    story: 'Consumes without a prefetch: the broker hands out all there is.',
    patches: inRabbitmq(
      'queue-consumer',
      'await this.#amqpChannel.prefetch(prefetch)',
      'await this.#amqpChannel.prefetch(0 * prefetch)',
    ),
    red: {
      'FLW-01': /the broker has [\d.]+ waiting and [\d.]+ unsettled: not within/,
    },
  },
  {
    name: 'rabbitmq-drains-without-flush',
    story: 'Closes its amqp channel before the acknowledgements of this turn are written.',
    patches: [
      ...inRabbitmq(
        'queue-consumer',
        '      this.#acknowledger.flush()\n      if (this.#isOpen',
        '      if (this.#isOpen',
      ),
      ...inRabbitmq('queue-consumer', 'await this.#flush(this.#options.queue)', 'void this.#flush'),
      ...inRabbitmq(
        'queue-consumer',
        '    this.#acknowledger.flush()\n    this.#isOpen = false',
        '    this.#isOpen = false',
      ),
    ],
    red: {
      'SET-01/by the thousand, right before the end': /messages that came back/,
    },
  },
  {
    name: 'rabbitmq-has-no-delivery-limit',
    story: 'Declares queues without a limit of deliveries: a message that kills its consumer does so for ever.',
    patches: inRabbitmq('topology', "'x-delivery-limit': deliveryLimit,", "'x-delivery-limit': 0 * deliveryLimit - 1,"),
    red: {
      'RTY-11': /[\d.]+ dead letters of billing: not within/,
    },
  },
  {
    name: 'rabbitmq-keeps-temporary-queues',
    story: 'Makes the queues of temporary groups durable, and leaves them behind.',
    patches: inRabbitmq(
      'topology',
      '{ exclusive: true, autoDelete: true, durable: false }',
      '{ exclusive: false, autoDelete: false, durable: true }',
    ),
    red: {
      'TOP-05/after a crash': /the broker removes it: not within/,
    },
  },
  {
    name: 'rabbitmq-makes-what-it-should-verify',
    story: 'Declares missing entities in every mode.',
    patches: inRabbitmq('provisioner', "const isMade = mode === 'create'", 'const isMade = mode !== undefined'),
    red: {
      'TOP-08': /expected a rejection with notFound, but it resolved with undefined/,
    },
  },
  {
    name: 'rabbitmq-keeps-messages-in-memory',
    story: 'Sends transient messages to classic queues, which a killed broker has forgotten.',
    patches: [
      ...inRabbitmq(
        'topology',
        "{\n    'x-queue-type': 'quorum',\n    'x-delivery-limit': deliveryLimit,\n    ...moved,",
        "{\n    'x-queue-type': deliveryLimit === 0 ? 'quorum' : 'classic',\n    'x-dead-letter-exchange': '',",
      ),
      ...inRabbitmq(
        'topology',
        "{ 'x-queue-type': 'quorum', 'x-delivery-limit': -1 }",
        "{ 'x-queue-type': 'classic' }",
      ),
      ...inRabbitmq('message-mapper', 'deliveryMode: 2', 'deliveryMode: 1'),
    ],
    red: {
      'SND-01/after a kill': /the confirmed messages survive the kill: not within/,
      'RDR-08/by a kill of the broker': /billing: [\d.]+ messages handled: not within/,
    },
  },
  {
    name: 'rabbitmq-waits-for-a-silent-broker',
    story: 'Asks for no heartbeats, says goodbye to a broker that does not answer, and waits for its answer.',
    patches: [
      ...inCore('link', 'const closeDeadlineMs = 5_000', 'const closeDeadlineMs = 60_000'),
      ...inRabbitmq('link', 'heartbeat: heartbeatSeconds(heartbeatMs)', 'heartbeat: 0 * heartbeatSeconds(heartbeatMs)'),
    ],
    red: {
      'LIF-03/broker silent': /it took|not within/,
    },
  },
  {
    name: 'rabbitmq-ignores-abort-while-connecting',
    story: 'Goes on connecting to a broker that does not answer when the caller gave up.',
    patches: [
      ...inCore('link', 'const stopFollowing = epoch.follow(signal)', 'const stopFollowing = epoch.follow(undefined)'),
    ],
    red: {
      'LIF-09/broker silent': /the rejection: not within/,
    },
  },
]
