import { hash } from 'node:crypto'
import type { Webhook } from './webhook-channel.ts'

/** Tells whether a webhook arrived as it was sent. */
export function digestOf(webhook: Webhook): string {
  return hash('sha256', JSON.stringify(webhook), 'base64url')
}
