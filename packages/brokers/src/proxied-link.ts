import type { FaultProxy } from './fault-proxy.ts'
import type { Speed } from './faulted-link.ts'

/** A way to a broker through a fault proxy, with the faults by the names that the conformance kit asks for. */
export interface ProxiedLink {
  /** Of the broker, through the proxy. */
  readonly url: string
  cut(): Promise<void>
  sever(): Promise<void>
  blackhole(): Promise<void>
  slow(speed: Speed): Promise<void>
  halfOpen(): Promise<void>
  restore(): Promise<void>
  close(): Promise<void>
}

export function proxiedLink(proxy: FaultProxy, url: string): ProxiedLink {
  return {
    url,
    cut: async () => void proxy.cut(),
    async sever() {
      await proxy.refuse(true)
      proxy.cut()
    },
    blackhole: async () => proxy.blackhole(true),
    slow: async (speed) => proxy.slow(speed),
    halfOpen: async () => void proxy.halfOpen(),
    async restore() {
      proxy.blackhole(false)
      proxy.slow(false)
      await proxy.refuse(false)
    },
    close: () => proxy.close(),
  }
}
