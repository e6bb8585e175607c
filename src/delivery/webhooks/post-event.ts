/** Posts an event to an endpoint, signed by standardwebhooks.com 1.0.0. */

import type { KeyRing } from '../../code/key-ring.ts'
import { open } from '../../code/seal.ts'
import { webhookSigner } from '../../code/webhook-signature.ts'
import type { Webhook } from '../../store/webhooks.ts'
import type { EventView } from './event-view.ts'
import type { Result } from './retry-schedule.ts'

/** The way to one server. It may refuse to call it; then, and when no whole answer comes, it rejects with the reason. */
export type EndpointClient = {
  exchange(
    request: {
      readonly method: 'POST'
      readonly origin: string
      readonly path: string
      readonly headers: Readonly<Record<string, string>>
      readonly body: string
    },
    options: { readonly signal: AbortSignal },
  ): Promise<{ readonly status: number }>
  close(): Promise<void>
}

export type PosterSettings = {
  readonly ring: KeyRing
  /** Opens the way to the server of a URL. */
  readonly connect: (url: string) => EndpointClient
  /** Wall clock: receivers compare the time of a signature with theirs. */
  readonly now: () => number
}

export type Poster = {
  /** Never rejects. */
  post(webhook: Webhook, event: EventView): Promise<Result>
  close(): Promise<void>
}

/** What receivers need not take more than. Nothing that events hold comes near it, see the lengths of metadata. */
export const maxBodyBytes = 20_000
/** The endpoints whose connections and keys are kept. */
const maxKept = 256

type Kept = {
  /** As it was last posted to: in one piece of work it is the same object. */
  webhook: Webhook
  readonly key: string
  readonly client: EndpointClient
  readonly path: string
  readonly origin: string
  readonly sign: ReturnType<typeof webhookSigner>
}

/** @throws Error if the key ring cannot open a secret. */
export function openSecret(ring: KeyRing, webhook: string, sealed: string): string {
  const secret = open(ring, sealed, secretContext(webhook))
  if (secret === undefined) throw new Error('its secret was sealed under a key that the ring does not have')
  return secret
}

/** What a secret is sealed for, see `seal`. */
export function secretContext(webhook: string): string {
  return `webhook:${webhook}`
}

export function createPoster({ ring, connect, now }: PosterSettings): Poster {
  /** By endpoint, the one that was used longest ago first. */
  const kept = new Map<string, Kept>()
  const neverAborted = new AbortController().signal

  /** The connections and keys of an endpoint, made anew if its URL or secrets have changed. */
  function keptOf(webhook: Webhook): Kept {
    const { id, url, secrets, signingKey } = webhook
    const before = kept.get(id)
    if (before?.webhook === webhook) return before
    const key = JSON.stringify([url, secrets, signingKey])
    kept.delete(id)
    if (before?.key === key) {
      before.webhook = webhook
      kept.set(id, before)
      return before
    }
    void before?.client.close()
    const { origin, pathname, search } = new URL(url)
    const sign = webhookSigner(
      secrets.map(({ sealed }) => openSecret(ring, id, sealed)),
      signingKey && openSecret(ring, id, signingKey),
    )
    const made = { webhook, key, client: connect(url), origin, path: pathname + search, sign }
    kept.set(id, made)
    for (const [oldest, { client }] of kept) {
      if (kept.size <= maxKept) break
      kept.delete(oldest)
      void client.close()
    }
    return made
  }

  return {
    async post(webhook, event) {
      const startedAt = performance.now()
      const tookMs = () => performance.now() - startedAt
      try {
        const { client, origin, path, sign } = keptOf(webhook)
        const body = JSON.stringify(event)
        const timestamp = String(Math.floor(now() / 1000))
        const headers = {
          'content-type': 'application/json',
          'user-agent': 'Countersign',
          'webhook-id': event.id,
          'webhook-timestamp': timestamp,
          'webhook-signature': sign(event.id, timestamp, body),
        }
        const request = { method: 'POST', origin, path, headers, body } as const
        const { status } = await client.exchange(request, { signal: neverAborted })
        return { status, reason: '', tookMs: tookMs() }
      } catch (error) {
        return { status: null, reason: (error as Error).message.slice(0, 200), tookMs: tookMs() }
      }
    },
    async close() {
      await Promise.all([...kept.values()].map(({ client }) => client.close()))
      kept.clear()
    },
  }
}
