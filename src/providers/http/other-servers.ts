/** Ways beside that to the carrier's own server, such as to where it shows its certificates: opened when first needed. */

import type { Answer } from './answer.ts'
import { createHttpClient, type HttpClient, type HttpClientSettings } from './client.ts'

/**
 * Gets one document by the rules all calls obey: certificates checked, no private network, no redirect.
 * @param url  Its host has been looked at: this calls whatever it is.
 * @throws Lost
 */
export type Reach = (url: URL) => Promise<Answer>

export type Reaching = { readonly reach: Reach; close(): Promise<void> }

const reachTimeoutMs = 5_000

export function createReach(settings: Pick<HttpClientSettings, 'allowPrivate' | 'ca' | 'lookup'>): Reaching {
  const clients = new Map<string, HttpClient>()
  return {
    reach({ origin, pathname, search }) {
      const client = clients.get(origin) ?? createHttpClient({ ...settings, server: origin, connections: 2 })
      clients.set(origin, client)
      const request = { method: 'GET', origin, path: pathname + search, headers: {}, body: '' } as const
      return client.exchange(request, { signal: AbortSignal.timeout(reachTimeoutMs) })
    },
    async close() {
      await Promise.all([...clients.values()].map((client) => client.close()))
    },
  }
}
