/** The shapes of the API: those of the server's document, and an error's. */

import type { Verification } from './openapi.ts'

export type * from './openapi.ts'

/** RFC 9457, with the members of its type. */
export type Problem = {
  type: string
  title: string
  status: number
  detail?: string
  instance?: string
  [member: string]: unknown
}

export type ListQuery = { subject?: string; state?: string; since?: string; cursor?: string }
export type SearchRequest = { to: string }
export type VerificationPage = { verifications: Verification[]; next?: string }
export type WebhookRequest = Record<string, unknown>
export type CreatedWebhook = Record<string, unknown>
export type WebhookPage = Record<string, unknown>
export type Webhook = Record<string, unknown>
export type WebhookChange = Record<string, unknown>
export type WebhookDelivery = Record<string, unknown>
export type WebhookDeliveryPage = Record<string, unknown>

export type Event = { id: string; type: string; created_at: string; data: Record<string, unknown> }
export type EventPage = { events: Event[]; next?: string }
