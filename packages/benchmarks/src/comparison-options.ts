import type { Way } from './contestant.ts'

export interface ComparisonOptions {
  readonly rounds: number
  /** At most so many more of the baseline, Waybill and the control alone, until the control is known well enough. */
  readonly mostFurtherRounds: number
  /** Per round at up to 1 KiB; larger payloads take fewer. */
  readonly messages: number
  readonly payloads: readonly number[]
  readonly ways: readonly Way[]
  readonly quick: boolean
  readonly profile: boolean
}

/** 28 count: of seven clients, in fourteen orders, each is four times in each place. */
export const fullRounds = 32
export const fullMessages = 10_000
/** A lap differs from the next by 20% on two cores, whoever runs it: 3% take some 200 rounds. */
export const fullFurtherRounds = 300
/** As far as the control may be off, and half as wide as its interval may be. */
export const mostOff = 0.03
export const quickRounds = 5
export const quickMessages = 1_000
/** So many rounds run on the same connections. */
export const roundsPerConnection = 6
/** Who is slower than the baseline by more runs a tenth of the messages: it would take most of the time. */
export const slowFactor = 5

/** The payload at which all that is told once is told. */
export function mainPayload(payloads: readonly number[]): number {
  return payloads.includes(1_024) ? 1_024 : (payloads[0] as number)
}

export const largeBytes = 16_384

/** Payloads above 16 KiB have a quarter: the broker stores them all. */
export function messagesFor(payload: number, { messages }: Pick<ComparisonOptions, 'messages'>): number {
  return payload > largeBytes ? Math.ceil(messages / 4) : messages
}

/** What somebody that slow runs. */
export function fewer(messages: number): number {
  return Math.ceil(messages / 10)
}

/** Rounds left out at the beginning: a tenth, until code and broker are warm. */
export function warmUpRounds(rounds: number): number {
  return Math.ceil(rounds / 10)
}
