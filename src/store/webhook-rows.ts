/** Rows of webhooks and their deliveries, whose columns are the same in every engine with tables. */

import type { EventType } from './events.ts'
import type { SealedSecret, Webhook, WebhookDelivery } from './webhooks.ts'

/** With JSON in the form that the engine reads it in. */
export type WebhookRow = {
  readonly id: string
  readonly tenant: string
  readonly app: string
  readonly url: string
  readonly description: string
  readonly types: readonly EventType[] | null
  readonly is_enabled: boolean
  readonly disabled_by: Webhook['disabledBy']
  readonly secrets: readonly SealedSecret[]
  readonly signing_key: string | null
  readonly created_at: number
}

export type DeliveryRow = {
  readonly event: string
  readonly type: EventType
  readonly verification: string
  readonly state: WebhookDelivery['state']
  readonly tries: number
  readonly first_at: number | null
  readonly last_at: number | null
  readonly due_at: number | null
  readonly status: number | null
  readonly reason: string
  readonly took_ms: number | null
}

export function webhookOf(row: WebhookRow): Webhook {
  return {
    id: row.id,
    tenant: row.tenant,
    app: row.app,
    url: row.url,
    description: row.description,
    types: row.types,
    isEnabled: row.is_enabled,
    disabledBy: row.disabled_by,
    secrets: row.secrets,
    signingKey: row.signing_key,
    createdAt: row.created_at,
  }
}

export function rowOfWebhook(webhook: Webhook): WebhookRow {
  return {
    id: webhook.id,
    tenant: webhook.tenant,
    app: webhook.app,
    url: webhook.url,
    description: webhook.description,
    types: webhook.types,
    is_enabled: webhook.isEnabled,
    disabled_by: webhook.disabledBy,
    secrets: webhook.secrets,
    signing_key: webhook.signingKey,
    created_at: webhook.createdAt,
  }
}

export function deliveryOf(row: DeliveryRow): WebhookDelivery {
  return {
    event: row.event,
    type: row.type,
    verification: row.verification,
    state: row.state,
    tries: row.tries,
    firstAt: row.first_at,
    lastAt: row.last_at,
    dueAt: row.due_at,
    status: row.status,
    reason: row.reason,
    tookMs: row.took_ms,
  }
}

export function rowOfDelivery(one: WebhookDelivery): DeliveryRow {
  return {
    event: one.event,
    type: one.type,
    verification: one.verification,
    state: one.state,
    tries: one.tries,
    first_at: one.firstAt,
    last_at: one.lastAt,
    due_at: one.dueAt,
    status: one.status,
    reason: one.reason,
    took_ms: one.tookMs === null ? null : Math.round(one.tookMs),
  }
}
