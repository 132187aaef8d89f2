import { MessagingError } from '@waybill/core'
import { within } from './deadline.ts'
import type { Group } from './group.ts'
import { Instance, type InstanceOptions } from './instance.ts'

const instancesPerGroup = 2

/** All running instances of all groups. */
export class Fleet implements AsyncDisposable {
  readonly #options: InstanceOptions
  readonly #stepMs: number
  readonly #members = new Map<Group, Instance[]>()
  readonly #started = new Map<Group, number>()
  #isClosed = false

  constructor(options: InstanceOptions, stepMs: number) {
    this.#options = options
    this.#stepMs = stepMs
  }

  async start(groups: readonly Group[]): Promise<void> {
    for (const group of groups) for (let count = 0; count < instancesPerGroup; count++) await this.#join(group)
  }

  /** Closes the oldest instance of the group, which finishes what it runs, and starts a new one. Answers their names. */
  async replaceOne(group: Group): Promise<{ readonly left: string; readonly joined: string }> {
    const leaving = this.#members.get(group)?.shift()
    if (leaving === undefined) throw new Error(`group ${group.name} has no instance`)
    await within(`closing ${leaving.name}`, this.#stepMs, leaving.close())
    const joined = await this.#join(group)
    return { left: leaving.name, joined: joined.name }
  }

  /** Resolves once nothing waits for any group; at once on a broker that does not tell. */
  async caughtUp(): Promise<void> {
    const first = [...this.#members.values()].flatMap((instances) => instances.slice(0, 1))
    await within('catching up', this.#stepMs, Promise.all(first.map(waitForGroup)))
  }

  /** Instances finish what they run, and give the rest back. Who is still joining leaves again. */
  async close(): Promise<void> {
    this.#isClosed = true
    const instances = [...this.#members.values()].flat()
    this.#members.clear()
    await within('closing the instances', this.#stepMs, Promise.all(instances.map((instance) => instance.close())))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  async #join(group: Group): Promise<Instance> {
    const number = (this.#started.get(group) ?? 0) + 1
    this.#started.set(group, number)
    const name = `${group.name}-${number}`
    const instance = await within(`starting ${name}`, this.#stepMs, Instance.start(name, group, this.#options))
    if (this.#isClosed) {
      await instance.close()
      throw new Error(`${name} was started too late`)
    }
    const members = this.#members.get(group) ?? []
    this.#members.set(group, [...members, instance])
    return instance
  }
}

async function waitForGroup(instance: Instance): Promise<void> {
  try {
    await instance.caughtUp()
  } catch (error) {
    if (!(MessagingError.is(error) && error.code === 'unsupported')) throw error
  }
}
