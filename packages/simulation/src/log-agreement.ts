import type { LogReview } from './log-review.ts'
import { type LogKind, logKinds, type LogKindName } from './log-kinds.ts'
import { type LogRuleName, logRules } from './log-rules.ts'

/** What the simulated log and a real one were seen to do, side by side. */
export interface LogAgreement {
  readonly simulated: LogReview
  readonly real: LogReview
}

const ruleNames = Object.keys(logRules) as LogRuleName[]
const kindNames = Object.keys(logKinds) as LogKindName[]

/** Why they do not agree, a line each; nothing when they do. */
export function disagreements({ simulated, real }: LogAgreement): readonly string[] {
  return [
    ...ruleNames.flatMap((name) => [
      ...ruleProblems(name, 'simulated', simulated),
      ...ruleProblems(name, 'real', real),
    ]),
    ...kindNames.flatMap((name) => kindProblem(name, simulated.kinds[name], real.kinds[name])),
  ]
}

function ruleProblems(name: LogRuleName, side: 'simulated' | 'real', { rules }: LogReview): string[] {
  const { tried, broken } = rules[name]
  const untried = tried === 0 ? [`${name}: never tried on the ${side} log`] : []
  return [...untried, ...broken.map((each) => `${name}: broken on the ${side} log: ${each}`)]
}

function kindProblem(name: LogKindName, simulated: number, real: number): string[] {
  const { rareBecause }: LogKind = logKinds[name]
  if (simulated === 0) return [`"${name}": never seen in the simulation`]
  return real === 0 && rareBecause === undefined ? [`"${name}": never seen on the real log`] : []
}

/** The agreement as a page. `broker`: what the real one was. */
export function agreementPage({ simulated, real }: LogAgreement, broker: string): string {
  const count = (number: number): string => number.toLocaleString('en')
  const rules = ruleNames.map((name) => {
    const [one, other] = [simulated.rules[name], real.rules[name]]
    return row(`\`${name}\``, logRules[name].says, count(one.tried), count(other.tried))
  })
  const kinds = kindNames.map((name) => {
    const { rareBecause = '' }: LogKind = logKinds[name]
    return row(name, count(simulated.kinds[name]), count(real.kinds[name]), rareBecause)
  })
  return [
    '# The simulated log and the real one',
    '',
    `What the production core saw at the driver interface: of the simulation's profile \`log\` in ${count(simulated.traces)} schedules (${count(simulated.events)} events), and of \`@waybill/kafka\` on ${broker} under members that come, go, are cut off, expelled and killed (${count(real.events)} events). Written by \`npm run agreement\`; \`npm test\` does the same again.`,
    '',
    '## Rules',
    '',
    'Times that each was put to the test. None was broken.',
    '',
    row('Rule', 'Says that', 'Simulated', 'Real'),
    row('---', '---', '---:', '---:'),
    ...rules,
    '',
    '## What happened',
    '',
    row('Kind', 'Simulated', 'Real', 'May be missing on a real log, because'),
    row('---', '---:', '---:', '---'),
    ...kinds,
    '',
  ].join('\n')
}

function row(...cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`
}
