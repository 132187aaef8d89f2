import { setTimeout as pause } from 'node:timers/promises'
import { BrokerError, reasonOf } from './broker-error.ts'
import { within } from './deadline.ts'
import type { Engine } from './engine.ts'

const pullDeadlineMs = 15 * 60_000
const stalledPullMs = 90_000

/** Whether the engine holds an image of that name. */
export async function hasImage(engine: Engine, name: string): Promise<boolean> {
  const image = engine.container.dockerode.getImage(name)
  return within(`looking for ${name}`, 15_000, image.inspect()).then(
    () => true,
    (thrown: unknown) => {
      if (isNoSuchImage(thrown)) return false
      throw thrown
    },
  )
}

/**
 * Pulls an image; gives up when the registry shows no first sign of life within `firstSignMs`, or stalls later.
 *
 * @throws `imageUnavailable` with the engine's reason
 */
export async function pullImage(engine: Engine, name: string, firstSignMs: number): Promise<void> {
  const { dockerode } = engine.container
  const abort = new AbortController()
  let allowedMs = firstSignMs
  let lastSign = performance.now()
  const sign = (): void => {
    lastSign = performance.now()
    allowedMs = stalledPullMs
  }
  const silence = (async () => {
    while (performance.now() - lastSign < allowedMs) await pause(250, undefined, { signal: abort.signal })
    throw new Error(`the registry showed no sign of life for ${allowedMs} ms`)
  })()
  try {
    const pulled = dockerode.pull(name, { abortSignal: abort.signal }).then((answer) =>
      followed(engine, answer, (event) => {
        if (event.status !== undefined) sign()
      }),
    )
    await within(`pulling ${name}`, pullDeadlineMs, Promise.race([pulled, silence]))
  } catch (thrown) {
    throw new BrokerError('imageUnavailable', `cannot pull ${name}: ${reasonOf(thrown)}`, { cause: thrown })
  } finally {
    silence.catch(() => {})
    abort.abort()
  }
}

/** What the engine reports while it pulls, builds or imports. */
export interface EngineEvent {
  readonly status?: string
  readonly stream?: string
  /** Why it failed; the answer ends as if nothing had happened. */
  readonly error?: string
}

/** Resolves when the engine's answer ends well; rejects with the failure it names. */
export function followed(
  engine: Engine,
  answer: NodeJS.ReadableStream,
  onEvent: (event: EngineEvent) => void = () => {},
): Promise<void> {
  return new Promise((resolve, reject) => {
    engine.container.dockerode.modem.followProgress(
      answer,
      (failure) => {
        if (failure) reject(failure)
        else resolve()
      },
      (event: EngineEvent) => {
        onEvent(event)
        if (event.error !== undefined) reject(new Error(event.error))
      },
    )
  })
}

function isNoSuchImage(thrown: unknown): boolean {
  return typeof thrown === 'object' && thrown !== null && 'statusCode' in thrown && thrown.statusCode === 404
}
