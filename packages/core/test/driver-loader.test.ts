import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { Driver } from '../src/driver/driver.ts'
import { loadDriver } from '../src/driver-loader.ts'
import { MessagingError } from '../src/messaging-error.ts'

const driver = {
  specVersion: 1,
  system: 'fake',
  capabilities: {},
  classify: () => 'internal',
  connect: async () => {},
} as unknown as Driver

function adapterThat(make: (given: unknown) => Driver = () => driver) {
  const asked: string[] = []
  const given: unknown[] = []
  const build = (value: unknown) => {
    given.push(value)
    return make(value)
  }
  const load = async (name: string) => {
    asked.push(name)
    return { adapter: { fromUrl: build, fromSettings: build } }
  }
  return { asked, given, load }
}

async function failureOf(work: Promise<unknown>): Promise<MessagingError> {
  const error: unknown = await work.then(
    () => new Error('nothing was thrown'),
    (thrown: unknown) => thrown,
  )
  if (error instanceof MessagingError) return error
  throw error
}

function missing(message: string): () => Promise<never> {
  return () => Promise.reject(Object.assign(new Error(message), { code: 'ERR_MODULE_NOT_FOUND' }))
}

describe('by URL', () => {
  test.each([
    ['memory:', '@waybill/memory'],
    ['amqp://u:p@h/v', '@waybill/rabbitmq'],
    ['AMQPS://h', '@waybill/rabbitmq'],
    ['kafka://a:9092,b:9092', '@waybill/kafka'],
    ['kafkas://h', '@waybill/kafka'],
    ['mqtt://h', '@waybill/mqtt'],
    ['mqtts://h', '@waybill/mqtt'],
    ['stomp://h', '@waybill/stomp'],
    ['stomps://h', '@waybill/stomp'],
    ['sqs:eu-west-1', '@waybill/sqs'],
    ['pubsub:my-project', '@waybill/gcp-pubsub'],
    ['servicebus://ns', '@waybill/azure-service-bus'],
  ])('%s is made by %s', async (url, name) => {
    const { asked, given, load } = adapterThat()
    expect(await loadDriver(url, load)).toBe(driver)
    expect([asked, given]).toEqual([[name], [url]])
  })

  test.each([
    ['ampq://h', 'unknown scheme "ampq:": did you mean "amqp:"?'],
    ['rabbitmq://h', 'unknown scheme "rabbitmq:": did you mean "amqp:"?'],
    ['gcp-pubsub:p', 'did you mean "pubsub:"?'],
    ['kafk://h', 'did you mean "kafka:"?'],
    ['http://h', 'unknown scheme "http:": there are memory: amqp: amqps:'],
    ['ws+mqtt://h', 'unknown scheme "ws+mqtt:"'],
    ['localhost', 'it does not begin with a scheme'],
    ['//localhost', 'it does not begin with a scheme'],
    ['localhost:5672', 'unknown scheme "localhost:"'],
    ['toString://h', 'unknown scheme "tostring:"'],
  ])('%s: %s', async (url, text) => {
    const error = await failureOf(loadDriver(url, adapterThat().load))
    expect([error.code, error.message]).toEqual(['invalidArgument', expect.stringContaining(text)])
  })

  test.each(['hunter2:pass@host', 'us3r:hunter2@h:1', 'http://us3r:hunter2@h', 'hunter2'])(
    'credentials are not shown: %s',
    async (url) => {
      const { message } = await failureOf(loadDriver(url, adapterThat().load))
      expect(message).not.toContain('hunter2')
      expect(message).not.toContain('us3r')
    },
  )
})

describe('by name', () => {
  test.each([
    ['memory', '@waybill/memory'],
    ['rabbitmq', '@waybill/rabbitmq'],
    ['kafka', '@waybill/kafka'],
    ['mqtt', '@waybill/mqtt'],
    ['stomp', '@waybill/stomp'],
    ['sqs', '@waybill/sqs'],
    ['gcp-pubsub', '@waybill/gcp-pubsub'],
    ['pubsub', '@waybill/gcp-pubsub'],
    ['azure-service-bus', '@waybill/azure-service-bus'],
    ['servicebus', '@waybill/azure-service-bus'],
    ['@waybill/kafka', '@waybill/kafka'],
    ['@acme/waybill-nats', '@acme/waybill-nats'],
    ['waybill-nats', 'waybill-nats'],
  ])('%s is made by %s', async (name, expected) => {
    const { asked, given, load } = adapterThat()
    const settings = { url: 'x' }
    expect(await loadDriver({ driver: name, settings }, load)).toBe(driver)
    expect([asked, given]).toEqual([[expected], [settings]])
  })

  test.each([
    ['rabitmq', 'unknown driver "rabitmq": did you mean "rabbitmq"?'],
    ['Kafka', 'did you mean "kafka"?'],
    ['./my-adapter.js', 'or give the name of a package'],
    ['../../etc/passwd', 'unknown driver'],
    ['file:///x', 'unknown driver'],
    ['node:fs', 'unknown driver'],
  ])('%s is refused: it must not become a package to install', async (name, text) => {
    const { asked, load } = adapterThat()
    const error = await failureOf(loadDriver({ driver: name, settings: {} }, load))
    expect([error.code, error.message, asked]).toEqual(['invalidArgument', expect.stringContaining(text), []])
  })
})

describe('what cannot be loaded', () => {
  test.each([
    [
      'amqp://u:hunter2@h',
      "Cannot find package '@waybill/rabbitmq' imported from /x",
      'npm install @waybill/rabbitmq amqplib',
    ],
    [
      'sqs:',
      "Cannot find package '@waybill/sqs' imported from /x",
      'npm install @waybill/sqs @aws-sdk/client-sqs @aws-sdk/client-sns',
    ],
    ['memory:', "Cannot find package '@waybill/memory' imported from /x", 'npm install @waybill/memory'],
    [
      'amqp://u:hunter2@h',
      "Cannot find package 'amqplib' imported from /x",
      'needs amqplib, which is not installed: npm install amqplib',
    ],
    ['stomp://h', "Cannot find package '@stomp/stompjs/esm6' imported from /x", 'npm install @stomp/stompjs'],
    [
      'amqp://h',
      "Cannot find module '@waybill/rabbitmq'\nRequire stack:\n- /x",
      'npm install @waybill/rabbitmq amqplib',
    ],
  ])('%s, %s', async (url, nodeSays, text) => {
    const error = await failureOf(loadDriver(url, missing(nodeSays)))
    expect([error.code, error.message]).toEqual(['notFound', expect.stringContaining(text)])
    expect(error.message).not.toContain('hunter2')
    expect(error.cause).toBeInstanceOf(Error)
  })

  test.each([
    [
      missing("Cannot find module '/app/node_modules/@waybill/rabbitmq/dist/index.js' imported from /x"),
      'Cannot find module',
    ],
    [() => Promise.reject(new SyntaxError('Unexpected token')), 'Unexpected token'],
  ])('a broken installation says so', async (load, text) => {
    const error = await failureOf(loadDriver('amqp://h', load))
    expect([error.code, error.message]).toEqual(['internal', expect.stringContaining(text)])
  })

  test.each([[{}], [{ adapter: {} }], [{ default: {} }], [null], [{ adapter: { fromUrl: () => driver } }]])(
    'a package that is no adapter: %j',
    async (module) => {
      const error = await failureOf(loadDriver('amqp://h', async () => module))
      expect([error.code, error.message]).toEqual(['invalidArgument', expect.stringContaining('is no adapter')])
    },
  )

  test('for real: an adapter that nobody installed', async () => {
    const error = await failureOf(loadDriver({ driver: '@waybill/not-there-at-all', settings: {} }))
    expect([error.code, error.message]).toEqual([
      'notFound',
      'the adapter @waybill/not-there-at-all is not installed: npm install @waybill/not-there-at-all',
    ])
  })

  test('for real: one that only the application has installed', async () => {
    const application = mkdtempSync(join(tmpdir(), 'waybill-'))
    const folder = join(application, 'node_modules', '@acme', 'adapter')
    mkdirSync(folder, { recursive: true })
    const exported =
      '{ fromUrl: () => null, fromSettings: (settings) => ({ ...settings.driver, connect() {}, classify() {} }) }'
    writeFileSync(join(folder, 'index.js'), `export const adapter = ${exported}`)
    writeFileSync(
      join(folder, 'package.json'),
      '{ "name": "@acme/adapter", "type": "module", "exports": "./index.js" }',
    )
    const main = process.argv[1]
    process.argv[1] = join(application, 'main.js')
    try {
      const settings = { driver: { specVersion: 1, system: 'acme', capabilities: {} } }
      expect(await loadDriver({ driver: '@acme/adapter', settings })).toMatchObject({ system: 'acme' })
    } finally {
      process.argv[1] = main as string
      rmSync(application, { recursive: true })
    }
  })
})

describe('what an adapter makes', () => {
  test('its own refusal comes through as it is', async () => {
    const refusal = new MessagingError('invalidArgument', 'unknown option "prefech": did you mean "prefetch"?')
    const { load } = adapterThat(() => {
      throw refusal
    })
    expect(await failureOf(loadDriver('amqp://h', load))).toBe(refusal)
  })

  test.each([['amqp://user:hunter2@ho st'], ['amqp://h?password=hunter2']])(
    'an error that quotes %s is cleaned',
    async (url) => {
      const { load } = adapterThat(() => {
        throw Object.assign(new TypeError(`Invalid URL: ${url}`), { input: url })
      })
      const error = await failureOf(loadDriver(url, load))
      expect(error.code).toBe('invalidArgument')
      expect(error.message).toContain('cannot use the connection URL: Invalid URL')
      const { inspect } = await import('node:util')
      expect(inspect(error, { depth: 10, showHidden: true })).not.toContain('hunter2')
      expect(error.cause).toBeInstanceOf(TypeError)
    },
  )

  test('secrets in settings are cleaned out of errors too', async () => {
    const { load } = adapterThat((settings) => {
      throw new Error(`bad settings ${JSON.stringify(settings)}`)
    })
    const settings = { sasl: { password: 'hunter2', username: 'me' }, url: 'amqp://me:other-s3cret@h' }
    const { message } = await failureOf(loadDriver({ driver: 'kafka', settings }, load))
    expect(message).toContain('the settings for "kafka"')
    expect(message).not.toMatch(/hunter2|other-s3cret/)
  })

  test.each([
    [undefined, 'invalidArgument', 'expected a driver'],
    [null, 'invalidArgument', 'expected a driver'],
    [{ ...driver, connect: undefined }, 'invalidArgument', 'expected a driver'],
    [{ ...driver, classify: 'x' }, 'invalidArgument', 'expected a driver'],
    [{ ...driver, system: 7 }, 'invalidArgument', 'expected a driver'],
    [{ ...driver, capabilities: undefined }, 'invalidArgument', 'expected a driver'],
    [{ ...driver, specVersion: 2 }, 'unsupported', 'version 2 of the driver interface and this core version 1'],
  ])('%j is refused', async (made, code, text) => {
    const { load } = adapterThat(() => made as unknown as Driver)
    const error = await failureOf(loadDriver('amqp://h', load))
    expect([error.code, error.message]).toEqual([code, expect.stringContaining(text)])
  })

  test('a driver is checked and answered as it is', async () => {
    expect(await loadDriver(driver)).toBe(driver)
    const error = await failureOf(loadDriver({ ...driver, specVersion: 3 } as unknown as Driver))
    expect(error.code).toBe('unsupported')
  })
})
