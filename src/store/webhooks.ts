/** The contract for webhooks: the endpoints of apps, their places in the feed, and the record of what was delivered. */

import type { NewAuditEntry } from './audit.ts'
import type { EventType } from './events.ts'
import type { Lease } from './outbox.ts'

/** A secret that signs, sealed under the key ring. */
export type SealedSecret = { readonly sealed: string; readonly createdAt: number }

/** An endpoint of an app, to which its events are posted. */
export type Webhook = {
  readonly id: string
  readonly tenant: string
  readonly app: string
  readonly url: string
  readonly description: string
  /** null: all. */
  readonly types: readonly EventType[] | null
  readonly isEnabled: boolean
  /** Why it is not enabled: `gone`, it answered 410 · `caller`; null: it is. */
  readonly disabledBy: 'gone' | 'caller' | null
  /** The newest first, at most two. Each signs. */
  readonly secrets: readonly SealedSecret[]
  /** The private key of signatures `v1a`, sealed; null: none are made. */
  readonly signingKey: string | null
  readonly createdAt: number
}

/** One event and its way to one endpoint. */
export type WebhookDelivery = {
  /** The id of the event. */
  readonly event: string
  readonly type: EventType
  readonly verification: string
  /** waiting: is tried again, or waits for an earlier event of its verification · failed: not tried any more. */
  readonly state: 'delivered' | 'waiting' | 'failed'
  readonly tries: number
  /** When it was first tried; null: not yet. Engine time in ms, as all here. */
  readonly firstAt: number | null
  readonly lastAt: number | null
  /** When it is to be tried; null unless it waits. */
  readonly dueAt: number | null
  /** The status of the last answer; null: there was none. */
  readonly status: number | null
  /** Why there was none; empty if there was one. */
  readonly reason: string
  /** How long the last try took. */
  readonly tookMs: number | null
}

/** An endpoint with work, leased to whoever claimed it. */
export type ClaimedWebhook = {
  readonly webhook: Webhook
  /** Engine time of the claim. */
  readonly now: number
  /** The id of the last event that needs no more look; empty: it begins with the oldest. */
  readonly cursor: string
  /** Tries in a row, of whatever events, that did not succeed. */
  readonly failures: number
  /** All that wait, in the order of the feed. */
  readonly waiting: readonly WebhookDelivery[]
}

export type WebhookWork = {
  readonly webhook: string
  readonly lease: Lease
  readonly cursor: string
  readonly failures: number
  /** true: it answered 410. */
  readonly isGone: boolean
  /** Of events that come after all that waited, in the order of the feed. */
  readonly added: readonly WebhookDelivery[]
  /** Of those that waited. */
  readonly changed: readonly WebhookDelivery[]
}

export type WebhookChange = Partial<
  Pick<Webhook, 'url' | 'description' | 'types' | 'isEnabled' | 'disabledBy' | 'secrets' | 'signingKey'>
>

export type EventReadership = {
  /** Apps with an enabled endpoint, or a key that may read events and has not ended. */
  readonly apps: readonly string[]
  /** Whether any endpoint is enabled. */
  readonly hasEndpoints: boolean
}

/** Endpoints that fail so often in a row, or have so many waiting events, take no new ones until one succeeds. */
export const maxFailuresInRow = 5
export const maxWaiting = 1000

export type Webhooks = {
  /** Adds an endpoint, which gets the events from now on. @returns false if the app has `max` already. */
  add(webhook: Webhook, max: number, audit?: NewAuditEntry): Promise<boolean>
  get(id: string): Promise<Webhook | undefined>
  /** By their making, the oldest first. */
  list(app: string): Promise<readonly Webhook[]>
  /**
   * One that failed is tried again at once. One that is enabled again gets the events from then on.
   * @returns The endpoint as it is now; undefined if there is none.
   */
  change(id: string, change: WebhookChange, audit?: NewAuditEntry): Promise<Webhook | undefined>
  remove(id: string, audit?: NewAuditEntry): Promise<boolean>
  readers(): Promise<EventReadership>
  /**
   * Claims enabled endpoints that have something to do: events that are due, or new ones, see `maxWaiting`. No other
   * claim gets them before the lease has run out or the work is settled.
   */
  claim(max: number, lease: Lease): Promise<readonly ClaimedWebhook[]>
  /** Records work and ends its lease. @returns false if the lease had run out and another has it now; then nothing is recorded. */
  settle(work: WebhookWork): Promise<boolean>
  /** Ends all leases of an owner, from before a crash. */
  release(owner: string): Promise<void>
  /** The newest first. @param before  The event of the last one of the page before; null: the first page. */
  deliveries(
    webhook: string,
    page: { readonly before: string | null; readonly max: number },
  ): Promise<readonly WebhookDelivery[]>
  /** Makes a delivered or failed event due again, with all its tries. @returns false if it is not in the record. */
  replay(webhook: string, event: string): Promise<boolean>
}
