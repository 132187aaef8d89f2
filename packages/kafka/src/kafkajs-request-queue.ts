/// <reference path="./kafkajs-internals.d.ts" />
import RequestQueue from 'kafkajs/src/network/requestQueue/index.js'

let isMended = false

/**
 * From its first answer on, a connection of kafkajs 2.2 looks 1,000 times a second for requests that wait, though there
 * are none: 15,000 timers a second and one twentieth of a processor for an idle consumer, and a
 * `TimeoutNegativeWarning` on Node.js 24. From now on it looks while there are some. All of kafkajs in the process is
 * changed, since nothing leads to the queues of its producers.
 */
export function stopIdleChecks(): void {
  if (isMended) return
  isMended = true
  const { prototype } = RequestQueue
  const { scheduleCheckPendingRequests } = prototype
  prototype.scheduleCheckPendingRequests = function () {
    if (this.pending.length > 0) scheduleCheckPendingRequests.call(this)
  }
}
