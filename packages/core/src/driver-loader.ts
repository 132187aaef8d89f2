import { createRequire } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { ConnectionSource } from './connection-routes.ts'
import type { AdapterModule } from './driver/adapter-module.ts'
import type { Driver } from './driver/driver.ts'
import { hintFor, nearestName } from './driver/nearest-name.ts'
import { MessagingError } from './messaging-error.ts'
import { SecretRedactor, secretsIn, secretsOf } from './secrets.ts'

interface Adapter {
  readonly package: string
  /** The client libraries that it leaves to the application to install. */
  readonly peers: readonly string[]
  readonly names: readonly string[]
  readonly schemes: readonly string[]
}

const adapters: readonly Adapter[] = [
  { package: '@waybill/memory', peers: [], names: ['memory'], schemes: ['memory'] },
  { package: '@waybill/rabbitmq', peers: ['amqplib'], names: ['rabbitmq'], schemes: ['amqp', 'amqps'] },
  { package: '@waybill/kafka', peers: ['kafkajs'], names: ['kafka'], schemes: ['kafka', 'kafkas'] },
  { package: '@waybill/mqtt', peers: ['mqtt'], names: ['mqtt'], schemes: ['mqtt', 'mqtts'] },
  { package: '@waybill/stomp', peers: ['@stomp/stompjs'], names: ['stomp'], schemes: ['stomp', 'stomps'] },
  { package: '@waybill/sqs', peers: ['@aws-sdk/client-sqs', '@aws-sdk/client-sns'], names: ['sqs'], schemes: ['sqs'] },
  {
    package: '@waybill/gcp-pubsub',
    peers: ['@google-cloud/pubsub'],
    names: ['gcp-pubsub', 'pubsub'],
    schemes: ['pubsub'],
  },
  {
    package: '@waybill/azure-service-bus',
    peers: ['@azure/service-bus'],
    names: ['azure-service-bus', 'servicebus'],
    schemes: ['servicebus'],
  },
]
const schemes = adapters.flatMap((adapter) => adapter.schemes)
const names = adapters.flatMap((adapter) => adapter.names)
const packageName = /^(?:@[a-z0-9~-][a-z0-9._~-]*\/)?[a-z0-9~-][a-z0-9._~-]*$/

/** Imports a package by name. */
export type ImportPackage = (name: string) => Promise<unknown>

/**
 * The driver for a URL, by its scheme; for a record, by its `driver`: a short name or a package; a driver as it is.
 *
 * The adapter's package is imported only now, from where the core is installed or else from the application.
 *
 * @throws MessagingError `invalidArgument` on an unknown scheme or name and on what the adapter refuses, `notFound`
 * with the install command when the adapter or its client library is missing, `unsupported` when core and adapter do not
 * fit, `internal` when the package cannot be loaded. None of them shows credentials.
 */
export async function loadDriver(
  source: ConnectionSource,
  importPackage: ImportPackage = importFromHereOrApplication,
): Promise<Driver> {
  if (typeof source === 'string') {
    const { adapter } = await load(adapterForUrl(source), importPackage)
    return make(() => adapter.fromUrl(source), 'the connection URL', secretsOf(source))
  }
  if ('settings' in source) {
    const { driver, settings } = source
    const { adapter } = await load(adapterNamed(driver), importPackage)
    return make(() => adapter.fromSettings(settings), `the settings for "${driver}"`, secretsIn(settings))
  }
  return checkDriver(source)
}

/** @throws MessagingError `invalidArgument` when it is no driver, `unsupported` when it is one for another core. */
export function checkDriver(driver: Driver): Driver {
  const candidate = driver as Partial<Driver> | null | undefined
  if (candidate?.specVersion !== undefined && candidate.specVersion !== 1) throw otherVersion(candidate.specVersion)
  const isDriver =
    candidate?.specVersion === 1 &&
    typeof candidate.system === 'string' &&
    typeof candidate.capabilities === 'object' &&
    typeof candidate.classify === 'function' &&
    typeof candidate.connect === 'function'
  if (isDriver) return driver
  throw invalid('expected a driver, as the factory function of an adapter makes it: rabbitmq({ url })')
}

function otherVersion(version: unknown): MessagingError {
  return new MessagingError(
    'unsupported',
    `the driver implements version ${String(version)} of the driver interface and this core version 1; ` +
      'install versions of @waybill/core and of the adapter that belong together',
  )
}

function adapterForUrl(url: string): Adapter {
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(url)?.[1]?.toLowerCase()
  const adapter = adapters.find(({ schemes }) => scheme !== undefined && schemes.includes(scheme))
  if (adapter !== undefined) return adapter
  const isShown = scheme !== undefined && (url.startsWith('://', scheme.length) || !url.includes('@'))
  const what = isShown ? `unknown scheme "${scheme}:"` : 'it does not begin with a scheme'
  const nearest = isShown ? nearestScheme(scheme) : undefined
  const all = schemes.map((each) => `${each}:`).join(' ')
  const hint = nearest === undefined ? `there are ${all}` : `did you mean "${nearest}:"?`
  throw invalid(`cannot use the connection URL: ${what}: ${hint}`)
}

/** Who writes `rabbitmq:` means `amqp:`. */
function nearestScheme(scheme: string): string | undefined {
  const nearest = nearestName(scheme, [...schemes, ...names])
  if (nearest === undefined || schemes.includes(nearest)) return nearest
  return adapters.find((adapter) => adapter.names.includes(nearest))?.schemes[0]
}

/** A short name that is misspelt must not become the name of a package to install. */
function adapterNamed(name: string): Adapter {
  const adapter = adapters.find((each) => each.names.includes(name) || each.package === name)
  if (adapter !== undefined) return adapter
  const isPackage = packageName.test(name) && (name.startsWith('@') || nearestName(name, names) === undefined)
  if (isPackage) return { package: name, peers: [], names: [], schemes: [] }
  throw invalid(`unknown driver ${JSON.stringify(name)}: ${hintFor(name, names)}; or give the name of a package`)
}

async function load(adapter: Adapter, importPackage: ImportPackage): Promise<AdapterModule> {
  let module: unknown
  try {
    module = await importPackage(adapter.package)
  } catch (error) {
    throw notLoaded(adapter, error)
  }
  if (isAdapterModule(module)) return module
  throw invalid(`the package ${adapter.package} is no adapter: it exports no \`adapter\` with fromUrl and fromSettings`)
}

function isAdapterModule(module: unknown): module is AdapterModule {
  const adapter = (module as Partial<AdapterModule> | null | undefined)?.adapter
  return typeof adapter?.fromUrl === 'function' && typeof adapter.fromSettings === 'function'
}

function notLoaded(adapter: Adapter, cause: unknown): MessagingError {
  const missing = missingPackage(cause)
  if (missing === undefined) {
    return new MessagingError('internal', `cannot load the adapter ${adapter.package}: ${messageOf(cause)}`, { cause })
  }
  const isAdapter = missing === adapter.package
  const what = isAdapter ? 'is not installed' : `needs ${missing}, which is not installed`
  const install = isAdapter ? [adapter.package, ...adapter.peers] : [missing]
  return new MessagingError('notFound', `the adapter ${adapter.package} ${what}: npm install ${install.join(' ')}`, {
    cause,
  })
}

/** The package that Node looked for in vain; `undefined`: something else is wrong. */
function missingPackage(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null | undefined)?.code
  if (code !== 'ERR_MODULE_NOT_FOUND' && code !== 'MODULE_NOT_FOUND') return undefined
  return /(?:package|module|url) '?((?:@[\w.~-]+\/)?[\w~-][\w.~-]*)/.exec(messageOf(error))?.[1]
}

/** What an adapter throws may quote what it was given. */
function make(build: () => Driver, what: string, secrets: readonly string[]): Driver {
  let driver: Driver
  try {
    driver = build()
  } catch (error) {
    const redactor = new SecretRedactor()
    for (const secret of secrets) redactor.add(secret)
    const cause = redactor.redactError(error)
    if (MessagingError.is(cause)) throw cause
    throw new MessagingError('invalidArgument', `cannot use ${what}: ${messageOf(cause)}`, { cause })
  }
  return checkDriver(driver)
}

/** A linked or globally installed core does not see the application's packages by itself. */
async function importFromHereOrApplication(name: string): Promise<unknown> {
  try {
    return await import(/* @vite-ignore */ name)
  } catch (error) {
    if (missingPackage(error) !== name) throw error
    const path = resolveFromApplication(name)
    if (path === undefined) throw error
    return await import(/* @vite-ignore */ pathToFileURL(path).href)
  }
}

function resolveFromApplication(name: string): string | undefined {
  const main = process.argv[1]
  for (const from of [join(process.cwd(), 'package.json'), ...(main === undefined ? [] : [main])]) {
    try {
      return createRequire(from).resolve(name)
    } catch {}
  }
  return undefined
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

function invalid(what: string): MessagingError {
  return new MessagingError('invalidArgument', what)
}
