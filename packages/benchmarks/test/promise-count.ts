import { createHook } from 'node:async_hooks'

/** How many promises are made while `work` runs. */
export async function promisesIn(work: () => Promise<void>): Promise<number> {
  let made = 0
  const hook = createHook({
    init(_id, type) {
      if (type === 'PROMISE') made++
    },
  })
  hook.enable()
  try {
    await work()
  } finally {
    hook.disable()
  }
  return made
}
