import { deepEqual, ok } from 'node:assert/strict'
import type { Behaviour } from '../../behaviour.ts'
import { startChild } from '../../child-process.ts'
import type { Kit } from '../../kit.ts'
import type { VictimReport } from '../../programs/victim.ts'

const mostGrownMiB = 64
/** How long it suffers, once it is attacked. */
const forMs = 1_500
/** Loading everything, on a busy machine. */
const startMs = 20_000
const atOnce = 2

/** Who answers at the address may be anybody. */
export const hostileBrokers: readonly Behaviour[] = [
  {
    id: 'ERR-07',
    needs: { faults: ['hostileBroker', 'process'] },
    deadlineMs: 180_000,
    async run(kit) {
      const waiting = [...kit.faults.hostileBroker.attacks]
      const broken: string[] = []
      const worker = async (): Promise<void> => {
        for (let attack = waiting.shift(); attack !== undefined; attack = waiting.shift()) {
          const wrong = await suffer(kit, attack)
          kit.log.note(`${attack}: ${wrong.join('; ') || 'withstood'}`)
          broken.push(...wrong.map((each) => `${attack}: ${each}`))
        }
      }
      await Promise.all(Array.from({ length: atOnce }, worker))
      deepEqual(broken, [])
    },
  },
]

/** What went wrong with one attack, on a process of its own. */
async function suffer(kit: Kit, attack: string): Promise<readonly string[]> {
  const broker = await kit.faults.hostileBroker.open(attack)
  const child = startChild(kit, 'victim', { url: kit.harness.url, hostileUrl: broker.url })
  await kit.eventually('the victim is attacked', () => broker.attacked > 0, startMs)
  await kit.sleep(forMs)
  const { left } = broker
  child.signal('SIGUSR2')
  const { code } = await kit.within('the end of the victim', child.exited, 10_000)
  await broker.close()
  if (code !== 0) return [`the process ended with ${code}: ${child.complaints}`]
  const report = JSON.parse(child.lines.at(-1) ?? '{}') as VictimReport
  ok(report.codes !== undefined, child.complaints)
  const grownMiB = report.grownBytes / 2 ** 20
  kit.log.note(`${attack}: ${grownMiB.toFixed(1)} MiB, ${left} hung up, told ${[...new Set(report.codes)].join(', ')}`)
  return [
    ...(grownMiB > mostGrownMiB ? [`it grew by ${grownMiB.toFixed(1)} MiB`] : []),
    ...(report.codes.length === 0 ? ['nobody was told'] : []),
    ...(left === 0 ? ['the connection stays open'] : []),
    ...report.wild,
  ]
}
