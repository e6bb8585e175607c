/** Endpoints of apps: making, changing and trying them, and their record of deliveries. */

import { hash } from 'node:crypto'
import { seal } from '../code/seal.ts'
import { newWebhookKey, newWebhookSecret, publicWebhookKey } from '../code/webhook-signature.ts'
import { publicEventId } from '../delivery/webhooks/event-view.ts'
import { openSecret, secretContext } from '../delivery/webhooks/post-event.ts'
import { isTaken } from '../delivery/webhooks/retry-schedule.ts'
import { randomHex } from '../random.ts'
import type { NewAuditEntry } from '../store/audit.ts'
import { type EventType, newEventId } from '../store/events.ts'
import { onceMs } from '../store/once.ts'
import type { SealedSecret, Webhook, WebhookChange, WebhookDelivery } from '../store/webhooks.ts'
import { auditEntry } from './audit.ts'
import type { Services } from './services.ts'

export type { Webhook, WebhookDelivery }

/** Who acts: a program with an API key of an app. */
export type ByKey = {
  readonly tenant: string
  /** The ids of app and key. */
  readonly app: string
  readonly key: string
  readonly requestId: string
}

export type WebhookWish = {
  readonly url: string
  readonly description: string
  readonly types: readonly EventType[] | null
  /** Whether there are signatures `v1a` too, which anyone can check who knows the public key. */
  readonly isAsymmetric: boolean
}

export type WebhookView = {
  readonly webhook: Webhook
  /** For signatures `v1a`, `whpk_…`; null: there are none. */
  readonly publicKey: string | null
}

export type WebhookRefusal =
  /** Its URL may not be called. */
  | { readonly kind: 'invalid'; readonly pointer: '/url'; readonly detail: string }
  /** The app has as many as it may. */
  | { readonly kind: 'full' }

export const maxWebhooks = 20
const maxUrlLength = 2_000

/**
 * @param once  Names the call, if its caller gave it an idempotency key: the same call makes one endpoint.
 * @returns With the secret, which nothing returns later: the same call, made again, only within a day, and only while
 *   that first secret signs.
 */
export async function createWebhook(
  services: Services,
  by: ByKey,
  wish: WebhookWish,
  once: string | undefined,
): Promise<
  | {
      readonly kind: 'created'
      readonly view: WebhookView
      readonly secret: string
      readonly isReplay: boolean
    }
  | { readonly kind: 'mismatch' }
  /** It was made by this very call, whose answer is not told any more. */
  | { readonly kind: 'told-before' }
  | WebhookRefusal
> {
  const refusal = refusalOf(services, wish.url)
  if (refusal) return refusal
  const { store, ring } = services
  const id = once === undefined ? randomHex(16) : hash('sha256', `webhook ${once}`).slice(0, 32)
  const createdAt = await store.now()
  const secret = newWebhookSecret()
  const sealed = (text: string) => seal(ring, text, secretContext(id))
  const webhook: Webhook = {
    id,
    tenant: by.tenant,
    app: by.app,
    url: wish.url,
    description: wish.description,
    types: wish.types,
    isEnabled: true,
    disabledBy: null,
    secrets: [{ sealed: sealed(secret), createdAt }],
    signingKey: wish.isAsymmetric ? sealed(newWebhookKey()) : null,
    createdAt,
  }
  const isAdded = await store.webhooks.add(webhook, maxWebhooks, auditOf(services, by, 'webhook.add', id))
  if (isAdded) {
    await services.webhooks.refreshReaders()
    return { kind: 'created', view: viewOf(services, webhook), secret, isReplay: false }
  }
  const before = once === undefined ? undefined : await store.webhooks.get(id)
  if (!before) return { kind: 'full' }
  if (!isSame(before, wish)) return { kind: 'mismatch' }
  const first = before.secrets.find((one) => one.createdAt === before.createdAt)
  if (!first || createdAt - before.createdAt >= onceMs) return { kind: 'told-before' }
  const firstSecret = openSecret(ring, id, first.sealed)
  return { kind: 'created', view: viewOf(services, before), secret: firstSecret, isReplay: true }
}

function isSame({ url, description, types, signingKey }: Webhook, wish: WebhookWish): boolean {
  const key = (one: Omit<WebhookWish, 'isAsymmetric'>, hasKey: boolean) =>
    JSON.stringify([one.url, one.description, one.types, hasKey])
  return key({ url, description, types }, signingKey !== null) === key(wish, wish.isAsymmetric)
}

/** @returns undefined if there is none, or it is another app's. */
export async function findWebhook(
  services: Services,
  app: string,
  id: string,
): Promise<WebhookView | undefined> {
  const webhook = await ofApp(services, app, id)
  return webhook && viewOf(services, webhook)
}

export async function listWebhooks(services: Services, app: string): Promise<readonly WebhookView[]> {
  return (await services.store.webhooks.list(app)).map((webhook) => viewOf(services, webhook))
}

export type WebhookEdit = Partial<Pick<WebhookWish, 'url' | 'description' | 'types'>> & {
  readonly isEnabled?: boolean
  /** rotate: a new secret signs beside the present one · retire: the older of two signs no more. */
  readonly secret?: 'rotate' | 'retire'
}

export async function editWebhook(
  services: Services,
  by: ByKey,
  id: string,
  edit: WebhookEdit,
): Promise<
  | { readonly kind: 'changed'; readonly view: WebhookView; readonly secret: string | undefined }
  | { readonly kind: 'not-found' }
  | WebhookRefusal
> {
  const { isEnabled, secret: act, ...plain } = edit
  const refusal = edit.url === undefined ? undefined : refusalOf(services, edit.url)
  if (refusal) return refusal
  const { store, ring } = services
  const before = await ofApp(services, by.app, id)
  if (!before) return { kind: 'not-found' }
  const secret = act === 'rotate' ? newWebhookSecret() : undefined
  const added: SealedSecret[] =
    secret === undefined
      ? []
      : [{ sealed: seal(ring, secret, secretContext(id)), createdAt: await store.now() }]
  const [newest, older] = before.secrets
  const secrets =
    act === 'retire' ? [newest!] : [...added, newest!, ...(added.length > 0 || !older ? [] : [older])]
  const change: WebhookChange = {
    ...plain,
    ...(act !== undefined && { secrets }),
    ...(isEnabled !== undefined && { isEnabled, disabledBy: isEnabled ? null : 'caller' }),
  }
  const details = {
    changed: Object.keys(plain).toSorted().join(' '),
    ...(act !== undefined && { secret: act }),
    ...(isEnabled !== undefined && { isEnabled }),
  }
  const audit = auditOf(services, by, 'webhook.update', id, details)
  const webhook = await store.webhooks.change(id, change, audit)
  if (!webhook) return { kind: 'not-found' }
  await services.webhooks.refreshReaders()
  return { kind: 'changed', view: viewOf(services, webhook), secret }
}

/** @returns false if there is none, or it is another app's. */
export async function removeWebhook(services: Services, by: ByKey, id: string): Promise<boolean> {
  if (!(await ofApp(services, by.app, id))) return false
  const audit = auditOf(services, by, 'webhook.delete', id)
  const isRemoved = await services.store.webhooks.remove(id, audit)
  await services.webhooks.refreshReaders()
  return isRemoved
}

export type WebhookTrial = {
  readonly event: string
  readonly isTaken: boolean
  readonly status: number | null
  readonly reason: string
  readonly tookMs: number
}

/** Posts an event of type `webhook.test` at once. It is no part of the feed, and is not tried again. */
export async function tryWebhook(
  services: Services,
  app: string,
  id: string,
): Promise<WebhookTrial | undefined> {
  const webhook = await ofApp(services, app, id)
  if (!webhook) return undefined
  const at = await services.store.now()
  const event = publicEventId(newEventId(at))
  const data = { app, webhook: publicWebhookId(id) }
  const view = { id: event, type: 'webhook.test', timestamp: new Date(at).toISOString(), data } as const
  const result = await services.webhooks.poster.post(webhook, view)
  return { event, isTaken: isTaken(result), ...result }
}

/** @returns undefined if there is no such endpoint, or it is another app's. */
export async function deliveriesOf(
  services: Services,
  app: string,
  id: string,
  page: { readonly before: string | null; readonly max: number },
): Promise<readonly WebhookDelivery[] | undefined> {
  return (await ofApp(services, app, id)) && services.store.webhooks.deliveries(id, page)
}

/** @param event  Its id in the store. @returns false if it is not in the record of that endpoint. */
export async function replayDelivery(
  services: Services,
  app: string,
  id: string,
  event: string,
): Promise<boolean> {
  return (await ofApp(services, app, id)) !== undefined && services.store.webhooks.replay(id, event)
}

const idPrefix = 'whk_'

export function publicWebhookId(id: string): string {
  return idPrefix + id
}

/** @returns The id in the store; undefined if the text is none. */
export function webhookIdOf(text: string): string | undefined {
  return /^whk_[0-9a-f]{32}$/.test(text) ? text.slice(idPrefix.length) : undefined
}

function auditOf(
  { ring }: Services,
  { tenant, app, key, requestId }: ByKey,
  act: string,
  id: string,
  details: NewAuditEntry['details'] = {},
): NewAuditEntry {
  const actor = { kind: 'app', id: app } as const
  const target = publicWebhookId(id)
  return auditEntry(ring, { actor, act, tenant, target, requestId, details: { key, ...details } })
}

async function ofApp({ store }: Services, app: string, id: string): Promise<Webhook | undefined> {
  const webhook = await store.webhooks.get(id)
  return webhook?.app === app ? webhook : undefined
}

function viewOf({ ring }: Services, webhook: Webhook): WebhookView {
  const { id, signingKey } = webhook
  return { webhook, publicKey: signingKey && publicWebhookKey(openSecret(ring, id, signingKey)) }
}

function refusalOf({ webhooks }: Services, text: string): WebhookRefusal | undefined {
  const invalid = (detail: string) => ({ kind: 'invalid', pointer: '/url', detail }) as const
  const url = text.length <= maxUrlLength ? URL.parse(text) : null
  if (!url || !/^https?:$/.test(url.protocol)) return invalid('It must be https://HOST/PATH.')
  if (url.username || url.password || url.hash) return invalid('It may have neither a user nor a fragment.')
  const refusal = webhooks.refusalOf(url)
  return refusal === undefined ? undefined : invalid(refusal)
}
