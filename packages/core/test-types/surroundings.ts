// What an application brings: a database, an outbox, an inbox, payments. Declared only; nothing here runs.
import type { Driver, HandlerContext, IdempotencyStore, Messaging, PreparedMessage } from '@waybill/core'

export interface Transaction {
  insert(table: string, row: object): Promise<{ id: number }>
  one<T>(sql: string, ...values: unknown[]): Promise<T>
  run(sql: string, ...values: unknown[]): Promise<number>
}
export declare const db: {
  transaction<T>(work: (transaction: Transaction) => Promise<T>): Promise<T>
  run(sql: string, ...values: unknown[]): Promise<number>
  insertMany(rows: readonly object[]): Promise<{ failed: { index: number; error: Error }[] }>
}
export declare const messaging: Messaging
export declare const store: IdempotencyStore
export declare const outbox: { add(transaction: Transaction, message: PreparedMessage): Promise<void> }
export declare const inbox: { firstTime(transaction: Transaction, context: HandlerContext): Promise<boolean> }
export declare const ids: { next(): string }
export declare function charge(order: { orderId: string }, options: { signal: AbortSignal }): Promise<void>
export declare class CardDeclined extends Error {}
export declare function kafka(options: { brokers: string[] }): Driver
export declare function rabbitmq(options: { url: string }): Driver
