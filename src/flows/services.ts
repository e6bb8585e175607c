/** The dependencies of every flow: the parts of other rooms that it may use, and its questions to the settings. */

import type { AddressRules } from '../address/address.ts'
import type { Clock } from '../clock.ts'
import type { KeyRing } from '../code/key-ring.ts'
import type { CodeTemplates } from '../delivery/own-templates.ts'
import type { RenderMessage } from '../delivery/rendered-message.ts'
import type { RouteFacts } from '../delivery/router.ts'
import type { Poster } from '../delivery/webhooks/post-event.ts'
import type { App } from '../directory/directory.ts'
import type { Destination } from '../message/destination.ts'
import type { OutboxEntry } from '../message/outbox-entry.ts'
import type { Metrics } from '../metrics.ts'
import type { Lease } from '../store/outbox.ts'
import type { Store } from '../store/store.ts'
import type { Window } from '../throttle/policy.ts'
import type { ApiKeys } from './api-keys.ts'
import type { CheckPassword } from './check-password.ts'
import type { EventFeed } from './event-feed.ts'
import type { AppPolicy, UndoTimes } from './policy.ts'
import type { ProofTokens } from './proof-token.ts'
import type { RecordRefusal } from './refusals.ts'
import type { Sessions } from './sessions.ts'

export type { ReceiptAnswer, ReceiptRequest } from '../delivery/provider.ts'

export type Services = {
  readonly store: Store
  readonly ring: KeyRing
  readonly clock: Clock
  readonly sessions: Sessions
  readonly apiKeys: ApiKeys
  readonly metrics: Metrics
  /** The installation's policy with the overrides of the settings and of the app's record. */
  policyOf(app: App): AppPolicy
  /** false lifts every throttle, for load tests. The bound on submissions of one code stays. */
  readonly hasLimits: boolean
  /** The operator's rules for reading addresses. */
  readonly addressRules: AddressRules
  readonly checkPassword: CheckPassword
  readonly proofs: ProofTokens
  /** The URL of this server as its callers know it, without a slash at its end; null: none is known. */
  publicUrl(): string | null
  /** How long a change may be undone, and what follows. */
  readonly undo: UndoTimes
  /** Codes to one address over all tenants. */
  readonly addressCap: Window
  /** The fixed code of a test address; undefined if it is none, or past its last day. */
  testCodeOf(addressKey: string, now: number): string | undefined
  /** Whether any route takes messages for the destination. */
  serves(destination: Destination): boolean
  /** The route of the destination, and its carriers in their order; undefined if none takes it. */
  routeFor(destination: Destination): RouteFacts | undefined
  /** Renders a message from its templates. */
  readonly render: RenderMessage
  /** The templates that a start may choose. */
  readonly codeTemplates: CodeTemplates
  readonly recordRefusal: RecordRefusal
  readonly lease: Lease
  /** Gives a committed message to delivery. */
  handOver(entry: OutboxEntry): void
  /** Whether somebody reads the events of an app. */
  areEventsRead(app: string): boolean
  readonly feed: EventFeed
  readonly webhooks: WebhookServices
}

/** What the server knows of endpoints beside the store. */
export type WebhookServices = {
  readonly poster: Poster
  /** Why the URL may not be called, in a sentence; undefined: it may, as far as can be seen without looking its name up. */
  refusalOf(url: URL): string | undefined
  /** Looks for readers again, so that an app with its first endpoint has events at once. */
  refreshReaders(): Promise<void>
}
