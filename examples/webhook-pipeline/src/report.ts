import type { Group } from './group.ts'
import type { WebhookLetter } from './operator.ts'
import type { Progress } from './progress.ts'
import type { Shipment } from './shipment.ts'
import type { Lap } from './stopwatch.ts'
import type { GroupName, Webhook } from './webhook-channel.ts'

const barWidth = 12
const shownFaults = 5

/** Tells a person what the pipeline does, while it does it. */
export class Report {
  readonly #progress: Progress
  #faults = 0

  constructor(progress: Progress) {
    this.#progress = progress
  }

  input(url: string, examples: readonly Webhook[], shipments: readonly Shipment[]): void {
    const kinds = new Set(examples.map(({ event }) => event)).size
    const keys = new Set(shipments.map(({ key }) => key)).size
    const duplicates = shipments.filter(({ isDuplicate }) => isDuplicate).length
    const messages = count(shipments.length - duplicates)
    this.#step('broker', withoutSecrets(url))
    this.#step(
      'input',
      `${examples.length} webhooks of GitHub, ${kinds} kinds of event, repeated to ${messages} messages`,
    )
    this.#detail(
      `of ${keys} keys (the repository, or else who it is about); ${count(duplicates)} sent twice on purpose`,
    )
  }

  leftovers(group: GroupName, removed: number): void {
    if (removed > 0) this.#detail(`removed ${count(removed)} dead letters that an earlier run left in ${group}`)
  }

  started(groups: readonly Group[], { ms }: Lap): void {
    this.#step('start', `two instances each of ${groups.map(({ name }) => name).join(', ')}`, ms)
  }

  /** From now on there is something to watch. */
  waiting(): void {
    this.#progress.restart()
  }

  progress(groups: readonly Group[], target: number): void {
    this.#progress.live(() => `  ${groups.map((group) => this.#bar(group, target)).join('   ')}`)
  }

  confirmed(sent: number): void {
    this.#detail(`${count(sent)} sends confirmed by the broker`)
  }

  replaced({ left, joined }: { readonly left: string; readonly joined: string }, at: number, of: number): void {
    this.#detail(`${left} was closed in the middle, ${joined} joined (${count(at)} of ${count(of)} done)`)
  }

  streamed({ ms, messages = 0 }: Lap): void {
    this.#step('stream', `${count(messages)} deliveries through three groups`, ms)
  }

  deadLetters(group: GroupName, letters: number): void {
    this.#step('dead letters', letters === 0 ? 'none' : `${count(letters)} in ${group}; the first of them:`)
  }

  deadLetter({ message, failure }: WebhookLetter, { event, payload }: Webhook): void {
    const { action } = payload
    const kind = action === undefined ? event : `${event} ${action}`
    this.#field('message', `${message.id} of ${message.key ?? 'no key'}`)
    this.#field('content', `${kind}, ${count(message.body?.byteLength ?? 0)} bytes as they were sent`)
    if (failure === undefined) return
    this.#field('failure', `${failure.type}: ${failure.message}`)
    this.#field('attempts', `${failure.attempts}, the last at ${failure.lastFailureAt.toISOString()}`)
  }

  redriven(group: GroupName, redriven: number, { ms }: Lap): void {
    this.#step('redrive', `mapping fixed, ${count(redriven)} dead letters sent to ${group} alone and handled`, ms)
  }

  interrupted(): void {
    this.#progress.line(
      this.#progress.color.yellow(
        'interrupted: handlers finish what they run, the rest is given back (Ctrl-C: at once)',
      ),
    )
  }

  /** Something the SDK dealt with by itself; many of them say no more than a few. */
  fault(text: string): void {
    this.#faults++
    if (this.#faults <= shownFaults) this.#detail(this.#progress.color.yellow(text))
    if (this.#faults === shownFaults) this.#detail('further faults are not shown')
  }

  #step(name: string, text: string, ms?: number): void {
    const { bold, dim } = this.#progress.color
    const time = ms === undefined ? '' : dim(`  ${seconds(ms)}`)
    this.#progress.line(`${bold(name.padEnd(13))} ${text}${time}`)
  }

  #detail(text: string): void {
    this.#progress.line(`${' '.repeat(14)}${text}`)
  }

  #field(name: string, text: string): void {
    this.#detail(`${this.#progress.color.dim(name.padEnd(9))} ${text}`)
  }

  #bar({ name, tally }: Group, target: number): string {
    const share = Math.min(1, tally.settled / Math.max(1, target))
    const filled = Math.round(share * barWidth)
    return `${name} ${'█'.repeat(filled)}${'░'.repeat(barWidth - filled)} ${count(tally.settled)}/${count(target)}`
  }
}

export function count(number: number): string {
  return number.toLocaleString('en-US')
}

export function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(ms < 9_950 ? 2 : 1)} s`
}

/** Neither credentials nor what stands behind the question mark. */
function withoutSecrets(url: string): string {
  if (!URL.canParse(url)) return url.slice(0, url.indexOf(':') + 1)
  const { protocol, host, pathname } = new URL(url)
  return `${protocol}${host === '' ? '' : `//${host}`}${pathname}`
}
