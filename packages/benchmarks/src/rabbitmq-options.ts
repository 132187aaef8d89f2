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
/** Contestants take turns this often in each round: what disturbs the machine for a while disturbs all of them. */
export const lapsPerRound = 5
export const fullRounds = 21
export const fullMessages = 10_000
export const quickRounds = 5
export const quickMessages = 1_000

/** The payload at which all that is told once is told. */
export function mainPayload(payloads: readonly number[]): number {
  return payloads.includes(1_024) ? 1_024 : (payloads[0] as number)
}

/** The side payloads have half as many, those above 16 KiB a tenth: the broker stores them all. */
export function messagesFor(payload: number, { messages, payloads }: RabbitmqBenchOptions): number {
  const share = payload > 16_384 ? 10 : payload === mainPayload(payloads) ? 1 : 2
  return Math.max(2, Math.ceil(messages / share))
}

/** Rounds left out at the beginning: a tenth, until code and broker are warm. */
export function warmUpRounds(rounds: number): number {
  return Math.ceil(rounds / 10)
}
