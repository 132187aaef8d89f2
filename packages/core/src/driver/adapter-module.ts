import type { Driver } from './driver.ts'

/**
 * What an adapter package exports under the name `adapter`, so that a URL or a configuration record can load it.
 *
 * Both throw `MessagingError` with `invalidArgument` on anything they do not know: a misspelt option is never ignored.
 */
export interface AdapterModule {
  readonly adapter: {
    /** `url` is complete, credentials included. Query parameters are the adapter's options. */
    fromUrl(url: string): Driver
    /** `settings` is the record from the configuration without `driver`, `{ env }` references already resolved. */
    fromSettings(settings: { readonly [option: string]: ResolvedSetting }): Driver
  }
}

/** A setting after references to the environment were replaced. */
export type ResolvedSetting =
  | string
  | number
  | boolean
  | null
  | readonly ResolvedSetting[]
  | { readonly [name: string]: ResolvedSetting }
