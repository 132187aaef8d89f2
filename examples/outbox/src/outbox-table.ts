import type { DatabaseSync } from 'node:sqlite'
import type { PreparedMessage } from '@waybill/core'

export interface OutboxEntry {
  readonly position: number
  readonly message: PreparedMessage
}

/** Messages that were decided on and may not have been sent yet, in the order of their transactions. */
export class OutboxTable {
  readonly #database: DatabaseSync

  constructor(database: DatabaseSync) {
    this.#database = database
  }

  /** To be called within the transaction that the message belongs to. */
  add({ body, ...message }: PreparedMessage): void {
    this.#database
      .prepare('insert into outbox (message, body) values (?, ?)')
      .run(JSON.stringify(message), body ?? null)
  }

  unsent(limit: number): readonly OutboxEntry[] {
    const rows = this.#database
      .prepare('select position, message, body from outbox where sent_at is null order by position limit ?')
      .all(limit)
    return rows.map(({ position, message, body }) => {
      const stored = JSON.parse(message as string) as PreparedMessage
      const deliverAt = stored.deliverAt && new Date(stored.deliverAt)
      return {
        position: position as number,
        message: { ...stored, deliverAt, body: (body as Uint8Array | null) ?? undefined },
      }
    })
  }

  markSent(entries: readonly OutboxEntry[]): void {
    const mark = this.#database.prepare('update outbox set sent_at = ? where position = ?')
    for (const { position } of entries) mark.run(new Date().toISOString(), position)
  }
}
