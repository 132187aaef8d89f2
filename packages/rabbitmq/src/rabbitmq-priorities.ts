import type { Random } from '@waybill/core/driver'

const tieBreaks = 1_024

/**
 * Consumer priorities of one member for the shards of a group, so that members share them: a single active consumer
 * gives way to a newcomer of higher priority once it has settled what it holds.
 *
 * Each member ranks the shards in an order of its own. The ranks add up to the same for all, so of two members neither
 * can outdo the other everywhere. https://www.rabbitmq.com/docs/consumers#sac-priorities
 */
export function consumerPriorities(shards: number, random: Random): number[] {
  const ranks = Array.from({ length: shards }, (_, rank) => rank)
  for (let index = shards - 1; index > 0; index--) {
    const other = Math.floor(random.next() * (index + 1))
    ;[ranks[index], ranks[other]] = [ranks[other]!, ranks[index]!]
  }
  return ranks.map((rank) => rank * tieBreaks + Math.floor(random.next() * tieBreaks))
}
