import type { ConsumeOptions } from '@waybill/core'
import type { GroupTally } from './group-tally.ts'
import type { GroupName, Webhook, webhooks } from './webhook-channel.ts'

/** What one run of a handler is about. */
export interface Arrival {
  readonly webhook: Webhook
  readonly id: string
  readonly key: string
  readonly sequence: number
}

/** One of the three programs behind the channel; its instances share what stands here as they would share a database. */
export interface Group {
  readonly name: GroupName
  readonly tally: GroupTally
  readonly options: Omit<ConsumeOptions<(typeof webhooks)['~types']>, 'group' | 'middleware' | 'signal'>
  handle(arrival: Arrival): Promise<void>
}
