#!/usr/bin/env node
import { BrokerError, reasonOf } from './broker-error.ts'
import { ensureEngine } from './engine.ts'
import { ensureImage } from './image.ts'
import { type Recipe, recipes } from './recipe.ts'

/**
 * Prepares an engine and images, so that a test run that follows only starts containers: `prepare.ts [broker...]`, all brokers
 * when none is named. A broker whose `WAYBILL_<BROKER>_URL` is set needs nothing. Exit status 1 and one sentence on failure.
 */
async function prepare(names: readonly string[]): Promise<void> {
  const started = performance.now()
  const say = (line: string): void => {
    process.stdout.write(`brokers: ${line}\n`)
  }
  const wanted = names.length === 0 ? Object.keys(recipes) : names
  for (const name of wanted) {
    const recipe: Recipe | undefined = Object.hasOwn(recipes, name) ? recipes[name as keyof typeof recipes] : undefined
    if (recipe === undefined) {
      throw new BrokerError('unknownBroker', `unknown broker "${name}"; known: ${Object.keys(recipes).join(', ')}`)
    }
    const variable = `WAYBILL_${name.toUpperCase()}_URL`
    if (process.env[variable]) say(`${name}: ${variable} is set, nothing to prepare`)
    else say(`${name}: ${await ensureImage(await ensureEngine(say), recipe, say)}`)
  }
  say(`prepared in ${((performance.now() - started) / 1000).toFixed(1)} s`)
}

try {
  await prepare(process.argv.slice(2))
  process.exit(0)
} catch (thrown) {
  process.stderr.write(`brokers: ${reasonOf(thrown)}\n`)
  process.exit(1)
}
