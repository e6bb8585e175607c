/** Checks that carriers can be reached and accept our credentials. */

import type { Provider } from '../delivery/provider.ts'

export type ProviderCheck = {
  /** The carrier's own words; null if there is no problem. */
  readonly problem: string | null
  /** Whether no problem means that our credentials are accepted, and not only that a server answers. */
  readonly provesCredentials: boolean
}

/** @returns The result of each carrier, by its name. */
export async function checkProviders(
  providers: ReadonlyMap<string, Provider>,
): Promise<ReadonlyMap<string, ProviderCheck>> {
  const checks = [...providers].map(async ([name, provider]): Promise<[string, ProviderCheck]> => {
    const provesCredentials = provider.provesCredentials === true
    try {
      await provider.check?.()
      return [name, { problem: null, provesCredentials }]
    } catch (error) {
      return [name, { problem: (error as Error).message, provesCredentials }]
    }
  })
  return new Map(await Promise.all(checks))
}
