import type { LogEvent } from './log-event.ts'
import { LogHistory, type LogTimes } from './log-history.ts'
import { type LogKind, type LogKindName, logKinds } from './log-kinds.ts'
import { type LogRule, type LogRuleName, logRules } from './log-rules.ts'

/** What was found of one rule in all traces. */
export interface RuleFinding {
  readonly tried: number
  /** How it was broken, the first few times. */
  readonly broken: readonly string[]
}

/** What traces of a log show: which rules held, and what happened how often. */
export interface LogReview {
  readonly traces: number
  readonly events: number
  readonly rules: { readonly [name in LogRuleName]: RuleFinding }
  readonly kinds: { readonly [name in LogKindName]: number }
}

const mostBroken = 5

/** Holds traces of a log to the rules, and counts what happened in them. */
export class LogReviewer {
  readonly #times: LogTimes
  readonly #tried = new Map<string, number>()
  readonly #broken = new Map<string, string[]>()
  readonly #seen = new Map<string, number>()
  #traces = 0
  #events = 0

  constructor(times: LogTimes) {
    this.#times = times
  }

  /** One trace, from a broker with nothing in it to one with nothing left. `name`: for what is broken. */
  look(name: string, events: readonly LogEvent[]): void {
    this.#traces++
    this.#events += events.length
    const history = new LogHistory(this.#times)
    for (const event of events) {
      this.#judge(name, event, history)
      for (const [kind, { sees }] of Object.entries<LogKind>(logKinds)) {
        if (sees(event, history)) add(this.#seen, kind, 1)
      }
      history.take(event)
    }
    this.#judge(name, 'end', history)
  }

  get review(): LogReview {
    const rules = Object.keys(logRules).map((name) => {
      return [name, { tried: this.#tried.get(name) ?? 0, broken: this.#broken.get(name) ?? [] }]
    })
    const kinds = Object.keys(logKinds).map((name) => [name, this.#seen.get(name) ?? 0])
    return {
      traces: this.#traces,
      events: this.#events,
      rules: Object.fromEntries(rules) as LogReview['rules'],
      kinds: Object.fromEntries(kinds) as LogReview['kinds'],
    }
  }

  #judge(name: string, event: LogEvent | 'end', history: LogHistory): void {
    for (const [rule, { check }] of Object.entries<LogRule>(logRules)) {
      const verdict = check(event, history)
      if (verdict === undefined) continue
      add(this.#tried, rule, verdict.tried)
      if (verdict.broken !== undefined) this.#break(rule, `${name}: ${verdict.broken}`)
    }
  }

  #break(rule: string, detail: string): void {
    const broken = this.#broken.get(rule) ?? []
    if (broken.length < mostBroken) broken.push(detail)
    this.#broken.set(rule, broken)
  }
}

function add(counts: Map<string, number>, name: string, count: number): void {
  counts.set(name, (counts.get(name) ?? 0) + count)
}
