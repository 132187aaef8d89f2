/** Catches what nobody caught, which otherwise would end the whole campaign without a seed. */
export function unhandledErrors(tell: (error: unknown) => void): { end: () => void } {
  process.on('uncaughtException', tell)
  process.on('unhandledRejection', tell)
  return {
    end() {
      process.off('uncaughtException', tell)
      process.off('unhandledRejection', tell)
    },
  }
}
