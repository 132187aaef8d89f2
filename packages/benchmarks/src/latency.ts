import { setTimeout as pause } from 'node:timers/promises'
import type { Consumption } from './contestant.ts'
import type { Send } from './pipelined.ts'

/** Messages at a steady pace, whether or not the answers keep up. */
export interface Load {
  readonly perSecond: number
  readonly messages: number
  /** So many unanswered: the load is more than it can bear. */
  readonly mostOpen: number
  readonly deadlineMs: number
}

/** Milliseconds from each send to its confirmation, in the order of sending. */
export async function measureSend(send: Send, load: Load): Promise<Float64Array> {
  const taken = new Float64Array(load.messages)
  let answered = 0
  let failure: unknown
  const fail = (error: unknown): void => {
    failure ??= error ?? new Error('a send failed')
  }
  await atPace(
    load,
    () => answered,
    (index) => {
      const sentAt = performance.now()
      send(() => {
        taken[index] = performance.now() - sentAt
        answered++
      }, fail)
      if (failure !== undefined) throw failure
    },
  )
  return taken
}

/**
 * Milliseconds from each send to its handler.
 *
 * One queue and one consumer keep the order, so the nth received is the nth sent.
 */
export async function measureEndToEnd(
  send: Send,
  consume: (onMessage: () => void) => Promise<Consumption>,
  load: Load,
): Promise<Float64Array> {
  const sentAt = new Float64Array(load.messages)
  const taken = new Float64Array(load.messages)
  let received = 0
  let failure: unknown
  const fail = (error: unknown): void => {
    failure ??= error
  }
  const consumption = await consume(() => {
    // Whose time is not yet known was left by somebody else or came twice: from here on all are one off.
    if (sentAt[received] === 0) fail(new Error('received more than was sent'))
    taken[received] = performance.now() - (sentAt[received] as number)
    received++
  })
  try {
    await atPace(
      load,
      () => received,
      (index) => {
        sentAt[index] = performance.now()
        send(() => {}, fail)
        if (failure !== undefined) throw failure
      },
    )
  } finally {
    await consumption.stop()
  }
  return taken
}

async function atPace(load: Load, answered: () => number, sendOne: (index: number) => void): Promise<void> {
  const { perSecond, messages, mostOpen, deadlineMs } = load
  const startedAt = performance.now()
  let sent = 0
  while (sent < messages) {
    const due = Math.min(messages, Math.ceil(((performance.now() - startedAt) / 1_000) * perSecond))
    while (sent < due) sendOne(sent++)
    if (sent - answered() > mostOpen) throw new Error('cannot keep up with half of what the baseline does')
    await pause(1)
  }
  while (answered() < messages) {
    if (performance.now() - startedAt > deadlineMs) throw new Error(`${messages - answered()} were never answered`)
    await pause(1)
  }
}
