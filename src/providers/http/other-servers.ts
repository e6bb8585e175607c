/** Connections to other servers than the carrier's own, such as that of its certificates. Opened when first needed. */

import type { Answer } from './answer.ts'
import { createHttpClient, type HttpClient, type HttpClientSettings } from './client.ts'

/**
 * Gets one document by the rules of all calls: certificates checked, no private network, no redirect.
 * @param url  The caller has checked its host.
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
