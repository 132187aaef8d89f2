import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { lock } from 'proper-lockfile'
import { aptMirrors } from './apt-sources.ts'
import { hostAptSettings } from './apt-settings.ts'
import { ensureBaseImage } from './base-image.ts'
import { BrokerError, reasonOf } from './broker-error.ts'
import { within } from './deadline.ts'
import type { Engine } from './engine.ts'
import { followed, hasImage, pullImage } from './engine-image.ts'
import { mavenRepository, trustedAuthorities } from './maven-repository.ts'
import { type Progress, toStandardError } from './progress.ts'
import { type Recipe, recipeFiles, recipeTag } from './recipe.ts'
import { registryMemory, registryOf } from './registry-memory.ts'
import { stateFolder } from './state-folder.ts'

const firstSignMs = 20_000
const buildDeadlineMs = 15 * 60_000

/**
 * Resolves to the name of an image the engine holds: the official one if present or to be pulled, else one built from the recipe.
 *
 * A build happens once: the engine keeps the result under a tag that names the recipe's content. Two processes that ask at the
 * same time build once. A registry that could not be reached is not asked again by this engine on the same day.
 *
 * @throws `imageUnavailable` with what to do
 */
export async function ensureImage(
  engine: Engine,
  recipe: Recipe,
  progress: Progress = toStandardError,
): Promise<string> {
  return (
    (await presentImage(engine, recipe)) ??
    alone(async () => {
      return (
        (await presentImage(engine, recipe)) ??
        (await pulledImage(engine, recipe, progress)) ??
        buildImage(engine, recipe, progress)
      )
    })
  )
}

/** The official image, or the built one; `undefined` when the engine holds neither. */
async function presentImage(engine: Engine, recipe: Recipe): Promise<string | undefined> {
  for (const name of [recipe.officialImage, recipeTag(recipe)]) if (await hasImage(engine, name)) return name
  return undefined
}

async function pulledImage(engine: Engine, recipe: Recipe, progress: Progress): Promise<string | undefined> {
  const name = recipe.officialImage
  const registry = registryOf(name)
  const { ID: engineId } = (await engine.container.dockerode.info()) as { ID: string }
  const memory = registryMemory(stateFolder(), engineId)
  const failedBefore = memory.failure(registry)
  if (failedBefore !== undefined) {
    progress(`not pulling ${name}: ${registry} failed earlier today`)
    return undefined
  }
  try {
    progress(`pulling ${name}`)
    await pullImage(engine, name, firstSignMs)
    return name
  } catch (thrown) {
    progress(`${reasonOf(thrown)}; building an image instead`)
    memory.remember(registry, reasonOf(thrown))
    return undefined
  }
}

async function buildImage(engine: Engine, recipe: Recipe, progress: Progress): Promise<string> {
  const files = recipeFiles(recipe)
  const tag = recipeTag(recipe, files)
  const base = await ensureBaseImage(engine, recipe.debianRelease, progress)
  const { proxies, lines } = await hostAptSettings(process.env.WAYBILL_DEBIAN_MIRROR ?? aptMirrors()[0] ?? '')
  const given = recipe.fetchesJars ? [{ name: 'authorities.pem', content: trustedAuthorities() }] : []
  const repository = recipe.fetchesJars ? { MAVEN_REPOSITORY: mavenRepository() } : {}
  const context = await mkdtemp(join(tmpdir(), 'waybill-recipe-'))
  const started = performance.now()
  let output = ''
  try {
    progress(`building ${tag} on ${base}`)
    for (const { name, content } of [...files, ...given]) await writeFile(join(context, name), content)
    const answer = await within(
      `building ${tag}`,
      buildDeadlineMs,
      engine.container.dockerode.buildImage(
        { context, src: [...files, ...given].map(({ name }) => name) },
        {
          t: tag,
          version: '1',
          networkmode: 'host',
          rm: true,
          forcerm: true,
          buildargs: { BASE: base, APT_SETTINGS: lines, ...repository, ...proxies },
          labels: { 'dev.waybill.recipe': recipe.name },
        },
      ),
    )
    await within(
      `building ${tag}`,
      buildDeadlineMs,
      followed(engine, answer, (event) => {
        output = (output + (event.stream ?? '')).slice(-3000)
      }),
    )
  } catch (thrown) {
    throw new BrokerError('imageUnavailable', `cannot build ${tag}: ${reasonOf(thrown)}\n${output.trimEnd()}`, {
      cause: thrown,
    })
  } finally {
    await rm(context, { recursive: true, force: true })
  }
  progress(`built ${tag} in ${((performance.now() - started) / 1000).toFixed(1)} s`)
  return tag
}

/** One process at a time; a holder that died is noticed within a minute. */
async function alone<T>(work: () => Promise<T>): Promise<T> {
  const release = await lock(stateFolder(), {
    lockfilePath: join(stateFolder(), 'images.lock'),
    stale: 60_000,
    retries: { forever: true, minTimeout: 500, maxTimeout: 500, maxRetryTime: buildDeadlineMs },
  })
  try {
    return await work()
  } finally {
    await release()
  }
}
