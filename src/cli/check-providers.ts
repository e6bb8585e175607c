/** Asks carriers whether they are there and take our credentials. */

import type { Provider } from '../delivery/provider.ts'

export type ProviderCheck = {
  /** In its own words; null if all is well. */
  readonly problem: string | null
  /** That all is well means that our credentials are taken; else only that somebody is there. */
  readonly provesCredentials: boolean
}

/** @returns What each says, by its name. */
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
