import { ConnectionManager } from './connection-manager.ts'
import type { Entrant } from './entrant.ts'
import { HandWritten } from './hand-written.ts'
import { RabbitmqClient } from './rabbitmq-client.ts'
import { Rascal } from './rascal.ts'
import { Waybill } from './waybill.ts'

/** In the order of the table. */
export const entrants: readonly (() => Entrant)[] = [
  () => new Waybill(),
  () => new HandWritten(),
  () => new ConnectionManager(),
  () => new RabbitmqClient(),
  () => new Rascal(),
]

/** @throws Error on a name that none has. */
export function entrantNamed(name: string): Entrant {
  const found = entrants.map((make) => make()).find((each) => each.name === name)
  if (found === undefined) throw new Error(`no entrant named ${name}`)
  return found
}
