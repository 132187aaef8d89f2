import { DatabaseSync } from 'node:sqlite'

/** The services' tables, each with the table that ties its messages to its transactions. */
export function openDatabase(path: string): DatabaseSync {
  const database = new DatabaseSync(path)
  database.exec(`
    create table if not exists orders (id text primary key, customer text not null, total_cents integer not null);
    create table if not exists outbox (position integer primary key, message text not null, body blob, sent_at text);
    create table if not exists invoices (order_id text not null, total_cents integer not null);
    create table if not exists inbox (consumer text, source text, id text, primary key (consumer, source, id));
  `)
  return database
}

/** Either everything `work` wrote is there afterwards, or nothing. */
export function transaction<T>(database: DatabaseSync, work: () => T): T {
  database.exec('begin immediate')
  try {
    const result = work()
    database.exec('commit')
    return result
  } catch (error) {
    database.exec('rollback')
    throw error
  }
}
