/** Requests of one connection that wait for an answer, or to be sent at all. */
declare module 'kafkajs/src/network/requestQueue/index.js' {
  export default class RequestQueue {
    readonly pending: readonly object[]
    scheduleCheckPendingRequests(): void
  }
}
