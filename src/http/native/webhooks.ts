/** `/v1/webhooks`: the endpoints of an app, and what was delivered to each. */

import { eventIdOf, publicEventId } from '../../flows/event-feed.ts'
import { doOnce } from '../../flows/same-call.ts'
import {
  type ByKey,
  createWebhook,
  deliveriesOf,
  editWebhook,
  findWebhook,
  listWebhooks,
  maxWebhooks,
  publicWebhookId,
  removeWebhook,
  replayDelivery,
  tryWebhook,
  type WebhookDelivery,
  type WebhookEdit,
  type WebhookRefusal,
  type WebhookView,
  webhookIdOf,
} from '../../flows/webhooks.ts'
import * as schemas from './event-schemas.ts'
import { invalidField } from './faults.ts'
import type { Problem } from './problems.ts'
import { type Call, type Outcome, route } from './route.ts'
import { replayOf } from './verifications.ts'

const tag = 'Webhooks'
const access = 'admin' as const
const params = { id: schemas.webhookId }
/** A post may take nine seconds. */
const trialMs = 12_000
const pageSize = 50

const createRoute = route({
  operationId: 'createWebhook',
  method: 'POST',
  path: '/webhooks',
  tag,
  summary: 'Register an endpoint, which gets the events of the app from now on.',
  description: 'Events are posted by Standard Webhooks 1.0.0. The secret is answered this once.',
  access,
  body: schemas.createWebhookBody,
  answers: { 201: { description: 'The endpoint, with its secret.', schema: schemas.createdWebhook } },
  problems: ['state-conflict'],
  async handle({ services }, { request, holder, body, once }): Promise<Outcome> {
    const { url, description = '', types = null, asymmetric: isAsymmetric = false } = body
    const wish = { url, description, types, isAsymmetric }
    const outcome = await createWebhook(services, byKey(request, holder), wish, once?.key)
    switch (outcome.kind) {
      case 'created': {
        const { view, secret, isReplay } = outcome
        return { status: 201, body: { ...webhookBody(view), secret }, isReplay }
      }
      case 'mismatch':
        return { problem: 'idempotency-mismatch' }
      case 'told-before':
        return {
          problem: 'state-conflict',
          detail: 'The endpoint was made by this Idempotency-Key, and its first secret is not told any more.',
          members: { state: 'created' },
        }
      default:
        return refusalProblem(outcome)
    }
  },
})

const listRoute = route({
  operationId: 'listWebhooks',
  method: 'GET',
  path: '/webhooks',
  tag,
  summary: 'The endpoints of the app.',
  access,
  answers: { 200: { description: 'All of them, the oldest first.', schema: schemas.webhookList } },
  problems: [],
  async handle({ services }, { holder }): Promise<Outcome> {
    const webhooks = await listWebhooks(services, holder.app.id)
    return { status: 200, body: { webhooks: webhooks.map(webhookBody) } }
  },
})

const readRoute = route({
  operationId: 'readWebhook',
  method: 'GET',
  path: '/webhooks/{id}',
  tag,
  summary: 'One endpoint.',
  access,
  params,
  answers: { 200: { description: 'The endpoint.', schema: schemas.webhook } },
  problems: ['not-found'],
  async handle({ services }, { holder, params: { id } }): Promise<Outcome> {
    const known = webhookIdOf(id!)
    const view = known === undefined ? undefined : await findWebhook(services, holder.app.id, known)
    return view ? { status: 200, body: webhookBody(view) } : notFound
  },
})

const changeRoute = route({
  operationId: 'changeWebhook',
  method: 'PATCH',
  path: '/webhooks/{id}',
  tag,
  summary: 'Change an endpoint, or its secret.',
  description:
    'One that failed is tried again at once. One that is enabled again gets the events from then on.',
  access,
  params,
  body: schemas.changeWebhookBody,
  answers: {
    200: {
      description: 'The endpoint as it is now, with a new secret if there is one.',
      schema: schemas.changedWebhook,
    },
  },
  problems: ['not-found'],
  async handle({ services }, { request, holder, params: { id }, body }): Promise<Outcome> {
    const known = webhookIdOf(id!)
    if (known === undefined) return notFound
    const { enabled: isEnabled, ...rest } = body
    const edit = { ...rest, ...(isEnabled !== undefined && { isEnabled }) } as WebhookEdit
    const outcome = await editWebhook(services, byKey(request, holder), known, edit)
    switch (outcome.kind) {
      case 'changed': {
        const { view, secret } = outcome
        return { status: 200, body: { ...webhookBody(view), ...(secret !== undefined && { secret }) } }
      }
      case 'not-found':
        return notFound
      default:
        return refusalProblem(outcome)
    }
  },
})

const removeRoute = route({
  operationId: 'deleteWebhook',
  method: 'DELETE',
  path: '/webhooks/{id}',
  tag,
  summary: 'Remove an endpoint, with its record.',
  access,
  params,
  answers: { 204: { description: 'It is gone.', schema: null } },
  problems: ['not-found'],
  async handle({ services }, { request, holder, params: { id } }): Promise<Outcome> {
    const known = webhookIdOf(id!)
    const isRemoved = known !== undefined && (await removeWebhook(services, byKey(request, holder), known))
    return isRemoved ? { status: 204 } : notFound
  },
})

const testRoute = route({
  operationId: 'testWebhook',
  method: 'POST',
  path: '/webhooks/{id}/test',
  tag,
  summary: 'Post an event of type `webhook.test` at once.',
  access,
  params,
  maxAnswerMs: trialMs,
  answers: { 200: { description: 'How it went.', schema: schemas.trial } },
  problems: ['not-found'],
  async handle({ services }, { holder, params: { id }, once }): Promise<Outcome> {
    const known = webhookIdOf(id!)
    if (known === undefined) return notFound
    const kept = await doOnce(
      services,
      // It has no body, so whatever came as one makes no difference.
      once && { ...once, fingerprint: '' },
      async () => (await tryWebhook(services, holder.app.id, known)) ?? null,
      (trial) => trial !== null,
    )
    if (kept.kind === 'mismatch' || !kept.result) return notFound
    const { event, isTaken, status, reason, tookMs } = kept.result
    return {
      status: 200,
      body: { event, delivered: isTaken, status, reason, took_ms: Math.round(tookMs) },
      ...replayOf(kept),
    }
  },
})

const deliveriesRoute = route({
  operationId: 'listWebhookDeliveries',
  method: 'GET',
  path: '/webhooks/{id}/deliveries',
  tag,
  summary: 'What became of each event at an endpoint.',
  access,
  params,
  query: schemas.deliveriesQuery,
  answers: { 200: { description: 'A page of them.', schema: schemas.deliveryPage } },
  problems: ['not-found'],
  async handle({ services }, { holder, params: { id }, query }): Promise<Outcome> {
    const known = webhookIdOf(id!)
    const before = query.before === undefined ? null : eventIdOf(query.before)
    if (known === undefined || before === undefined) return notFound
    const max = query.limit ?? pageSize
    const found = await deliveriesOf(services, holder.app.id, known, { before, max })
    if (!found) return notFound
    const last = found.length === max ? found.at(-1) : undefined
    return {
      status: 200,
      body: { deliveries: found.map(deliveryBody), next: last ? publicEventId(last.event) : null },
    }
  },
})

const replayRoute = route({
  operationId: 'replayWebhookDelivery',
  method: 'POST',
  path: '/webhooks/{id}/deliveries/{event}/replay',
  tag,
  summary: 'Post an event to an endpoint again, with all its tries.',
  access,
  params: { ...params, event: schemas.eventId },
  answers: { 202: { description: 'It is posted soon.', schema: null } },
  problems: ['not-found'],
  async handle({ services }, { holder, params: { id, event } }): Promise<Outcome> {
    const [known, ofEvent] = [webhookIdOf(id!), eventIdOf(event!)]
    const isDue =
      known !== undefined &&
      ofEvent !== undefined &&
      (await replayDelivery(services, holder.app.id, known, ofEvent))
    return isDue ? { status: 202 } : notFound
  },
})

export const webhookRoutes = [
  createRoute,
  listRoute,
  readRoute,
  changeRoute,
  removeRoute,
  testRoute,
  deliveriesRoute,
  replayRoute,
]

function byKey({ id }: Call['request'], { key, tenant, app }: Call['holder']): ByKey {
  return { tenant: tenant.id, app: app.id, key: key.id, requestId: id }
}

const notFound: Problem = { problem: 'not-found' }

function refusalProblem(refusal: WebhookRefusal): Problem {
  return refusal.kind === 'invalid'
    ? invalidField(refusal.pointer, 'url', refusal.detail)
    : invalidField('', 'maxWebhooks', `An app has at most ${maxWebhooks} endpoints.`)
}

function webhookBody({ webhook, publicKey }: WebhookView) {
  const { id, url, description, types, isEnabled, disabledBy, secrets, createdAt } = webhook
  return {
    id: publicWebhookId(id),
    url,
    description,
    types,
    enabled: isEnabled,
    disabled_by: disabledBy,
    secrets: secrets.map((one) => ({ created_at: timeOf(one.createdAt) })),
    public_key: publicKey,
    created_at: timeOf(createdAt),
  }
}

function deliveryBody({
  event,
  type,
  state,
  tries,
  firstAt,
  lastAt,
  dueAt,
  status,
  reason,
  tookMs,
}: WebhookDelivery) {
  return {
    event: publicEventId(event),
    type,
    state,
    tries,
    first_at: firstAt === null ? null : timeOf(firstAt),
    last_at: lastAt === null ? null : timeOf(lastAt),
    next_at: dueAt === null ? null : timeOf(dueAt),
    status,
    reason,
    took_ms: tookMs,
  }
}

function timeOf(ms: number): string {
  return new Date(ms).toISOString()
}
