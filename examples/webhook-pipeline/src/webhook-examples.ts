import { createRequire } from 'node:module'
import { z } from 'zod'
import { type Webhook, webhook } from './webhook-channel.ts'

const catalogue = z.array(z.object({ name: z.string(), examples: z.array(z.unknown()) }))

/**
 * The payloads that GitHub documents, by kind of event, as `@octokit/webhooks-examples` has them.
 *
 * @throws ZodError when one of them is not what the channel carries.
 */
export function webhookExamples(): readonly Webhook[] {
  const kinds = catalogue.parse(createRequire(import.meta.url)('@octokit/webhooks-examples'))
  return kinds.flatMap(({ name, examples }) => examples.map((payload) => webhook.parse({ event: name, payload })))
}
