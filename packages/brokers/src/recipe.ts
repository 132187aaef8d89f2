import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** How the image of one broker comes about: the official one, or the one that `recipes/<name>/` builds. */
export interface Recipe {
  readonly name: string
  /** Tried first. */
  readonly officialImage: string
  /** The Debian release whose packages the built image takes. */
  readonly debianRelease: string
  /** Its build fetches jars: it gets a Maven repository, and the authorities to trust for it. */
  readonly fetchesJars?: true
}

/** Every recipe; the folder of the same name holds the Dockerfile and what it copies. */
export const recipes = {
  rabbitmq: { name: 'rabbitmq', officialImage: 'rabbitmq:4-management', debianRelease: 'trixie' },
  kafka: { name: 'kafka', officialImage: 'apache/kafka:4.1.1', debianRelease: 'trixie', fetchesJars: true },
} as const satisfies Record<string, Recipe>

const recipesFolder = join(dirname(fileURLToPath(import.meta.url)), '..', 'recipes')

/** A file of a recipe, for the build or for a container of the official image. */
export interface RecipeFile {
  readonly name: string
  readonly content: Buffer
}

/** The files of a recipe's folder, sorted by name. */
export function recipeFiles(recipe: Recipe): RecipeFile[] {
  const folder = join(recipesFolder, recipe.name)
  return readdirSync(folder)
    .sort()
    .map((name) => ({ name, content: readFileSync(join(folder, name)) }))
}

/** The text of one file of a recipe. */
export function recipeText(recipe: Recipe, name: string): string {
  return readFileSync(join(recipesFolder, recipe.name, name), 'utf8')
}

/** The image's name: fixed, with a tag that changes when a file of the recipe or its base does. */
export function recipeTag(recipe: Recipe, files: readonly RecipeFile[] = recipeFiles(recipe)): string {
  return `waybill/${recipe.name}:${recipeHash(files, recipe.debianRelease)}`
}

/** Twelve hexadecimal digits over names, lengths and bytes, so that no two different sets of files share them by shifting. */
export function recipeHash(files: readonly RecipeFile[], base: string): string {
  const hash = createHash('sha256').update(`${base}\0`)
  for (const { name, content } of files) hash.update(`${name}\0${content.length}\0`).update(content)
  return hash.digest('hex').slice(0, 12)
}
