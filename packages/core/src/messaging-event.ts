/** What happened, for logs and alerts. `error` never carries secrets. */
export interface MessagingEvent {
  readonly type: 'connected' | 'disconnected' | 'fault' | 'retried' | 'deadLettered' | 'leaseLost'
  readonly connection: string
  readonly channel?: string
  readonly group?: string
  readonly messageId?: string
  readonly error?: Error
}
