import type { ContainerHandle } from './container.ts'

/** What can be done to a broker that this package started; every call resolves when it has happened. */
export interface ContainerFaults {
  /** Stops and starts it again on the same address; resolves when it serves clients. By default it may shut down in order. */
  restart(options?: { readonly graceful?: boolean }): Promise<void>
  /** SIGKILL, then starts it again on the same address; resolves when it serves clients. */
  kill(): Promise<void>
  /** Stops it and leaves it so: connections are refused until `up()`. */
  down(options?: { readonly graceful?: boolean }): Promise<void>
  /** Starts it after `down()`; resolves when it serves clients. */
  up(): Promise<void>
  /** Freezes it: connections stay open and nothing answers until `unpause()`. */
  pause(): Promise<void>
  unpause(): Promise<void>
}

/** Faults on a container; `ready` resolves when the broker serves clients and rejects at its own deadline. */
export function containerFaults(container: ContainerHandle, ready: () => Promise<unknown>): ContainerFaults {
  const down: ContainerFaults['down'] = ({ graceful = true } = {}) => container.stop(graceful ? 'politely' : 'kill')
  const up = async (): Promise<void> => {
    await container.start()
    await ready()
  }
  const restart: ContainerFaults['restart'] = async (options) => {
    await down(options)
    await up()
  }
  return {
    restart,
    kill: () => restart({ graceful: false }),
    down,
    up,
    pause: () => container.pause(),
    unpause: () => container.unpause(),
  }
}
