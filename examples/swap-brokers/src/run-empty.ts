import type { BillingInstance } from './billing-instance.ts'
import type { Billing } from './billing.ts'

/**
 * Runs a broker empty that nobody sends to any more, and stops the instances. Answers how many dead letters were redriven.
 *
 * All but one are stopped first: what they had not finished comes to the last. When that one has caught up nothing is
 * under way anywhere else. Dead letters are handled where they are, since a redrive goes to the group on its own broker.
 */
export async function runEmpty(instances: readonly BillingInstance[], billing: Billing): Promise<number> {
  const [last, ...others] = instances
  if (last === undefined) throw new Error('billing has no instance')
  for (const each of others) await each.stop()
  await last.caughtUp()
  const ids: string[] = []
  for await (const { message } of last.deadLetters.list()) ids.push(message.id)
  for (const id of ids) billing.renewCard(id)
  const { redriven, failed } = await last.deadLetters.redrive({ ids })
  if (failed[0] !== undefined) throw failed[0].error
  await last.caughtUp()
  for await (const { message } of last.deadLetters.list()) throw new Error(`the dead letter ${message.id} is left`)
  await last.stop()
  return redriven
}
