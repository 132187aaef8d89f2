import { MessagingError, type AdapterModule, type ResolvedSetting } from '@waybill/core/driver'
import { memory } from './memory-driver.ts'
import type { MemoryOptions } from './memory-options.ts'

/**
 * Makes drivers from URLs and configuration records.
 *
 * `memory:` is a broker of the driver's own; `memory:orders` one that all drivers of this process with that name share.
 * `?profile=inPlace` declares that profile. A record takes `name`, `profile` and `capabilities`.
 */
export const adapter: AdapterModule['adapter'] = {
  fromUrl(url) {
    const { protocol, host, pathname, searchParams, hash } = parse(url)
    if (protocol !== 'memory:' || host !== '' || hash !== '') {
      refuse('the URL is no address of a memory broker; write memory: or memory:name')
    }
    const name = decode(pathname)
    const settings: { [option: string]: ResolvedSetting } = name === '' ? {} : { name }
    for (const [option, value] of searchParams) {
      if (option !== 'profile') refuse(`unknown option "${option}" in the URL: there is "profile"`)
      settings[option] = value
    }
    return this.fromSettings(settings)
  },
  fromSettings(settings) {
    for (const option of ['broker', 'like']) {
      if (option in settings)
        refuse(`${option} is an object and cannot come from a configuration; call memory({ ${option} })`)
    }
    return memory(settings as MemoryOptions)
  },
}

function parse(url: string): URL {
  try {
    return new URL(url)
  } catch {
    return refuse('that is not a URL; write memory: or memory:name')
  }
}

function decode(name: string): string {
  try {
    return decodeURIComponent(name)
  } catch {
    return name
  }
}

function refuse(what: string): never {
  throw new MessagingError('invalidArgument', `memory adapter: ${what}`, { system: 'memory' })
}
