import { networkInterfaces } from 'node:os'

/**
 * Has a broker that is started from now on reached at an address of this machine other than `127.0.0.1`, where docker has
 * every byte pass through a process of its own. Only on Linux, with an engine on this machine, and when nobody chose an
 * address already; answers whether it did.
 *
 * https://docs.docker.com/engine/network/packet-filtering-firewalls/: the kernel forwards what goes to any other address.
 */
export function passDockerProxy(): boolean {
  const { DOCKER_HOST: engine = 'unix://', TESTCONTAINERS_HOST_OVERRIDE: chosen } = process.env
  if (process.platform !== 'linux' || !engine.startsWith('unix:') || chosen !== undefined) return false
  const address = ownAddress()
  if (address === undefined) return false
  process.env.TESTCONTAINERS_HOST_OVERRIDE = address
  return true
}

/** Docker's own bridge first, which no network policy of the machine is about. */
function ownAddress(): string | undefined {
  const { docker0 = [], ...others } = networkInterfaces()
  const all = [docker0, ...Object.values(others)].flatMap((addresses) => addresses ?? [])
  return all.find(({ internal, family }) => !internal && family === 'IPv4')?.address
}
