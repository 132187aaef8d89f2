export interface RabbitmqBenchOptions {
  readonly url: string
  readonly rounds: number
  /** Per round at up to 1 KiB; larger payloads take fewer. */
  readonly messages: number
  readonly payloads: readonly number[]
  readonly quick: boolean
  readonly profile: boolean
}

export const window = 256
export const prefetch = 256
/** 21 count: three times each client in each place. */
export const fullRounds = 24
export const fullMessages = 10_000
export const quickRounds = 5
export const quickMessages = 1_000

/** The payload at which all that is told once is told. */
export function mainPayload(payloads: readonly number[]): number {
  return payloads.includes(1_024) ? 1_024 : (payloads[0] as number)
}

const largeBytes = 16_384

/** Payloads above 16 KiB have a quarter: the broker stores them all. */
export function messagesFor(payload: number, { messages }: RabbitmqBenchOptions): number {
  return payload > largeBytes ? Math.ceil(messages / 4) : messages
}

/** Few enough that a lap is many times as long: most of a lap would otherwise be its first burst. */
export function prefetchFor(payload: number): number {
  return payload > largeBytes ? 32 : prefetch
}

/** Rounds left out at the beginning: a tenth, until code and broker are warm. */
export function warmUpRounds(rounds: number): number {
  return Math.ceil(rounds / 10)
}
