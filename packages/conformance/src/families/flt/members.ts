import { ok } from 'node:assert/strict'
import type { Messaging } from '@waybill/core'
import type { Behaviour } from '../../behaviour.ts'
import type { Link } from '../../faults.ts'
import type { Kit } from '../../kit.ts'
import { group, type Load, underLoad } from './load.ts'

const concurrency = 8
const workMs = 10

/** The members of a group come and go, in good order and without a word. */
export const members: readonly Behaviour[] = [
  {
    id: 'FLT-10',
    tags: ['long'],
    needs: { faults: ['cut'] },
    deadlineMs: 90_000,
    async run(kit) {
      const rounds = kit.size('rounds', { reduced: 4, full: 50 })
      const count = kit.size('messages', { reduced: 1_000, full: 15_000 })
      let joined = 0
      const load = await underLoad(kit, { count }, async (load) => {
        const present: Member[] = []
        for (let round = 0; round < rounds; round++) {
          kit.step(`${round} of ${rounds} rounds, ${load.ledger.handledMessages} messages handled`)
          for (let free = mostMembers(kit) - 1 - present.length; free > 0; free--) {
            present.push(await join(kit, load))
            joined++
          }
          await load.progress(60)
          await leave(present.shift())
          await load.progress(20)
          await kill(present.shift())
          await load.progress(20)
        }
        for (const member of present) await leave(member)
      })
      const kills = mostMembers(kit) > 2 ? rounds : 0
      const { duplicated } = load.ledger.account
      // What ran, for each by itself. A prefix besides leaves behind what ended meanwhile: one each behind the one that still
      // ran, one each while the prefix before was written, and one each in the pause before that.
      const each = kit.capabilities.settlement === 'individual' ? concurrency : 4 * concurrency
      ok(duplicated <= kills * each, `${duplicated} handled twice: more than ${kills} killed members had running`)
      kit.account({}, { joined, killed: kills })
    },
  },
]

interface Member {
  readonly messaging: Messaging
  readonly link: Link
  lives: boolean
}

/** With the first one, which stays. */
const mostMembers = ({ capabilities }: Kit): number => Math.min(4, capabilities.membersPerGroup)

async function join(kit: Kit, load: Load): Promise<Member> {
  const link = await kit.link()
  const messaging = await kit.connect({ link })
  const member = { messaging, link, lives: true }
  const handler = load.handler(async () => {
    await kit.sleep(workMs)
    if (!member.lives) throw new Error('its process is dead')
  })
  await messaging.consume(load.channel, { group, concurrency }, handler)
  return member
}

async function leave(member: Member | undefined): Promise<void> {
  await member?.messaging.close({ drainMs: 5_000 })
}

/** For the broker it is dead, and what it has running counts for nothing any more. */
async function kill(member: Member | undefined): Promise<void> {
  if (member === undefined) return
  member.lives = false
  await member.link.sever()
  await member.messaging.close({ drainMs: 0 })
}
