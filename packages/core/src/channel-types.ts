import type { Codec } from './codec.ts'
import type { Handler } from './handler.ts'
import type { Message, MessageHeaders } from './message.ts'
import type { StandardSchemaV1 as Schema } from './standard-schema.ts'

/** A schema that accepts its own output; one per direction where they differ (dates, upcasting); or a typed codec. */
export type MessageSchema = Schema | { readonly send: Schema; readonly receive: Schema } | Codec<any>

type SendSide<S> = S extends { send: infer A } ? A : S
type ReceiveSide<S> = S extends { receive: infer A } ? A : S
export type In<S> =
  SendSide<S> extends infer A ? (A extends Codec<infer W> ? W : A extends Schema ? Schema.InferInput<A> : never) : never
export type Wire<S> =
  SendSide<S> extends infer A
    ? A extends Codec<infer W>
      ? W
      : A extends Schema
        ? Schema.InferOutput<A>
        : never
    : never
export type Out<S> =
  ReceiveSide<S> extends infer A
    ? A extends Codec<infer W>
      ? W
      : A extends Schema
        ? Schema.InferOutput<A>
        : never
    : never
type Reads<S> = ReceiveSide<S> extends infer A ? (A extends Schema ? Schema.InferInput<A> : unknown) : never
type Json<T> = unknown extends T
  ? T
  : T extends string | number | boolean | null | undefined
    ? T
    : T extends bigint | symbol | Date | Uint8Array | ReadonlyMap<any, any> | ReadonlySet<any> | ((...a: any) => any)
      ? never
      : { [K in keyof T]: Json<T[K]> }
type Problem<Text extends string> = { readonly problem: Text }

/** What is sent is the schema's output, and the receiver parses it again: the compiler checks that it can. */
export type Sendable<S, C = undefined> =
  S extends Codec<any>
    ? unknown
    : [Wire<S>] extends [Reads<S>]
      ? C extends Codec<infer W>
        ? [Wire<S>] extends [W]
          ? unknown
          : Problem<'the codec cannot encode what this schema gives'>
        : [Wire<S>] extends [Json<Wire<S>>]
          ? unknown
          : Problem<'JSON cannot carry what this schema gives (Date, bigint, Map): use { send, receive } or a codec'>
      : Problem<'this schema does not accept its own output: use { send, receive }'>

/** The types of a channel, as one parameter. */
export interface ChannelTypes {
  send: unknown
  message: Message<any>
  group: string
  handler: unknown
  reply: unknown
}

type Show<T> = { [K in keyof T]: T[K] } & {}
type One<S, R, G extends string> = {
  send: In<S>
  message: Message<Out<S>>
  group: G
  handler: Handler<Out<S>, string, [R] extends [never] ? void : In<R>>
  reply: [R] extends [never] ? undefined : Out<R>
}
type Several<M, G extends string> = {
  send: { [K in keyof M & string]: { type: K; data: In<M[K]> } }[keyof M & string]
  message: { [K in keyof M & string]: Message<Out<M[K]>, K> }[keyof M & string]
  group: G
  reply: undefined
  /** One per type, all of them. `*`: types this channel does not know; without it they are invalid messages. */
  handler: { readonly [K in keyof M & string]: Handler<Out<M[K]>, K> | 'ignore' } & {
    readonly '*'?: Handler<unknown> | 'ignore'
  }
}
export type TypesOf<S, M, R, G extends string> = Show<[M] extends [never] ? One<S, R, G> : Several<M, G>>

export type ChannelOptions<
  S extends MessageSchema,
  G extends string,
  M extends Record<string, MessageSchema>,
  R extends MessageSchema,
  C extends Codec<any> | undefined,
> = (
  | {
      schema: S & Sendable<S, C>
      messages?: never
      /** Makes this a request channel. */
      reply?: R & Sendable<R, C>
      /** Default: the channel's name. */
      type?: string
    }
  | {
      /** One schema per type. */
      messages: M & { [K in keyof M]: Sendable<M[K], C> }
      schema?: never
      /** The type of a message that does not say; default: its `type` attribute. */
      typeOf?: (value: unknown, headers: MessageHeaders) => string
    }
) &
  (
    | {
        key: (
          data: [M] extends [never]
            ? Wire<S>
            : { [K in keyof M & string]: { type: K; data: Wire<M[K]> } }[keyof M & string],
        ) => string
        /** Messages with one key: one at a time, in the order sent, retries included. */
        ordering?: 'key'
      }
    | { key?: never; ordering?: never }
  ) & {
    /** Default: JSON. */
    codec?: C
    /** Created before the first send, so that nothing is lost. `[]`: only broadcast. Another team adds its own by `withGroups`. */
    groups: readonly G[]
  }
