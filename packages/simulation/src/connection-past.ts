/** What is known of a connection from the events so far. */
export class ConnectionPast {
  readonly member: string
  unreachableAtMs = Infinity
  /** It was lost, given up, or told to close. */
  overAtMs = Infinity
  /** Nothing comes over it any more. */
  endedAtMs = Infinity
  failedToSettle = false

  constructor(member: string) {
    this.member = member
  }

  /** Until then both sides hear of the same things. */
  get trustedUntilMs(): number {
    return Math.min(this.unreachableAtMs, this.overAtMs)
  }

  get isTrusted(): boolean {
    return this.trustedUntilMs === Infinity
  }
}
