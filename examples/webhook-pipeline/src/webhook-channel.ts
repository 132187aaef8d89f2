import { channel, type Sent } from '@waybill/core'
import { z } from 'zod'

// GitHub adds fields at any time: what is read here is checked, the rest is carried along.
const account = z.looseObject({ login: z.string(), id: z.int() })
const repository = z.looseObject({ id: z.int(), full_name: z.string(), private: z.boolean(), html_url: z.url() })
const installation = z.looseObject({ id: z.int(), account: account.optional() })
const ticket = z.looseObject({ number: z.int(), title: z.string(), html_url: z.url(), state: z.string().optional() })
const comment = z.looseObject({ id: z.int(), html_url: z.url(), body: z.string() })
const release = z.looseObject({ id: z.int(), tag_name: z.string(), html_url: z.url(), draft: z.boolean() })
const commit = z.looseObject({ id: z.string(), message: z.string(), url: z.url(), added: z.array(z.string()) })

const payload = z.looseObject({
  action: z.string().optional(),
  repository: repository.optional(),
  organization: account.optional(),
  installation: installation.optional(),
  sender: account.optional(),
  issue: ticket.optional(),
  pull_request: ticket.optional(),
  discussion: ticket.optional(),
  comment: comment.optional(),
  release: release.optional(),
  commits: z.array(commit).optional(),
})

export const webhook = z.object({ event: z.string(), payload })

export type Webhook = z.infer<typeof webhook>

/** Every webhook of one repository in the order in which GitHub sent it, for each of three groups. */
export const webhooks = channel('github.webhooks', {
  schema: webhook,
  key: keyOf,
  ordering: 'key',
  groups: ['audit', 'notify', 'index'],
})

export type GroupName = (typeof webhooks)['~types']['group']

export type WebhookToSend = Sent<typeof webhooks>

/** The repository; some webhooks have none and belong to an organization, an installation, a person or to nobody. */
export function keyOf({ event, payload }: Webhook): string {
  if (payload.repository !== undefined) return payload.repository.full_name
  if (payload.organization !== undefined) return `organization ${payload.organization.login}`
  if (payload.installation !== undefined) return `installation ${payload.installation.id}`
  if (payload.sender !== undefined) return `person ${payload.sender.login}`
  return `event ${event}`
}
