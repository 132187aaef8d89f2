/** Where a driver says what nobody asked for. The core forwards each line as a `fault` event, secrets removed. */
export interface Logger {
  warn(message: string, error?: unknown): void
}
