import type { DatabaseSync } from 'node:sqlite'
import type { Message } from '@waybill/core'

/** Messages that were handled: the row is written in the transaction of their effect, so the two cannot disagree. */
export class InboxTable {
  readonly #database: DatabaseSync

  constructor(database: DatabaseSync) {
    this.#database = database
  }

  /** To be called within the handler's transaction. */
  firstTime(consumer: string, { source, id }: Pick<Message, 'source' | 'id'>): boolean {
    const { changes } = this.#database
      .prepare('insert into inbox (consumer, source, id) values (?, ?, ?) on conflict do nothing')
      .run(consumer, source, id)
    return changes > 0
  }
}
