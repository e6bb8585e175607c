/** The schemas of events, endpoints and deliveries. */

import { eventTypes } from '../../flows/event-feed.ts'
import { Type } from '../../json-schema.ts'

const closed = { additionalProperties: false }
const time = (description: string) => Type.String({ format: 'date-time', description })
const timeOrNull = (description: string) => Type.Union([time(description), Type.Null()])

export const eventId = Type.String({ pattern: '^evt_[0-9a-f]{44}$' })
export const webhookId = Type.String({ pattern: '^whk_[0-9a-f]{32}$' })

const eventType = Type.Union(
  eventTypes.map((type) => Type.Literal(type)),
  { title: 'EventType' },
)

export const event = Type.Object(
  {
    id: eventId,
    type: Type.String({ description: 'See the table of events; new types may come.' }),
    timestamp: time('When it happened.'),
    data: Type.Object(
      {
        app: Type.String(),
        verification: Type.Optional(Type.String({ description: 'Absent if it is about none.' })),
      },
      { additionalProperties: true, description: 'Facts, by type. Addresses are masked.' },
    ),
  },
  { title: 'Event' },
)

export const eventPage = Type.Object(
  {
    events: Type.Array(event),
    next: Type.Union([eventId, Type.Null()], {
      description: 'The `after` of the next call; null: the app has no events yet.',
    }),
    has_more: Type.Boolean({ description: 'Whether the next call has more to look through at once.' }),
  },
  { title: 'EventPage' },
)

export const feedQuery = Type.Object(
  {
    after: Type.Optional(
      Type.String({
        maxLength: 64,
        description: 'The `next` of the call before. Without it the feed begins with the oldest event kept.',
      }),
    ),
    types: Type.Optional(
      Type.String({
        maxLength: 600,
        description: 'Types of events, with commas between them. Default: all.',
      }),
    ),
    limit: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 100, description: 'The most events of a page. Default: 100.' }),
    ),
    wait_s: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: 25,
        description: 'How long to wait for an event if there is none yet. Default: 0.',
      }),
    ),
  },
  closed,
)

const url = Type.String({ maxLength: 2000, description: 'https://HOST/PATH. Private networks are refused.' })
const description = Type.String({ maxLength: 200, description: 'For people.' })
const types = Type.Union([Type.Array(eventType, { minItems: 1, maxItems: 32 }), Type.Null()], {
  description: 'The types that it gets; null: all.',
})

export const webhook = Type.Object(
  {
    id: webhookId,
    url,
    description,
    types: Type.Union([Type.Array(Type.String()), Type.Null()]),
    enabled: Type.Boolean(),
    disabled_by: Type.Union([Type.Literal('gone'), Type.Literal('caller'), Type.Null()], {
      description: '`gone`: it answered 410.',
    }),
    secrets: Type.Array(Type.Object({ created_at: time('') }), {
      description: 'The secrets that sign, the newest first; two while they change.',
    }),
    public_key: Type.Union([Type.String(), Type.Null()], {
      description: 'For signatures `v1a`; null: there are none.',
    }),
    created_at: time('When it was made.'),
  },
  { title: 'Webhook' },
)

const secret = Type.String({ description: '`whsec_…`, answered this once.' })

export const createdWebhook = Type.Object({ ...webhook.properties, secret }, { title: 'CreatedWebhook' })
export const changedWebhook = Type.Object(
  { ...webhook.properties, secret: Type.Optional(secret) },
  { title: 'ChangedWebhook' },
)

export const createWebhookBody = Type.Object(
  {
    url,
    description: Type.Optional(description),
    types: Type.Optional(types),
    asymmetric: Type.Optional(Type.Boolean({ description: 'Sign by Ed25519 (`v1a`) too. Default: false.' })),
  },
  closed,
)

export const changeWebhookBody = Type.Object(
  {
    url: Type.Optional(url),
    description: Type.Optional(description),
    types: Type.Optional(types),
    enabled: Type.Optional(Type.Boolean()),
    secret: Type.Optional(
      Type.Union([Type.Literal('rotate'), Type.Literal('retire')], {
        description:
          '`rotate`: a new one signs beside the present one · `retire`: the older of two signs no more.',
      }),
    ),
  },
  closed,
)

export const trial = Type.Object(
  {
    event: eventId,
    delivered: Type.Boolean(),
    status: Type.Union([Type.Integer(), Type.Null()], {
      description: 'Of the answer; null: there was none.',
    }),
    reason: Type.String({ description: 'Why there was none.' }),
    took_ms: Type.Integer(),
  },
  { title: 'WebhookTrial' },
)

const delivery = Type.Object(
  {
    event: eventId,
    type: Type.String(),
    state: Type.Union([Type.Literal('delivered'), Type.Literal('waiting'), Type.Literal('failed')], {
      description: '`failed`: it is not posted any more.',
    }),
    tries: Type.Integer(),
    first_at: timeOrNull('When it was first posted.'),
    last_at: timeOrNull('When it was last posted.'),
    next_at: timeOrNull('When it is posted next.'),
    status: Type.Union([Type.Integer(), Type.Null()], { description: 'Of the last answer.' }),
    reason: Type.String({ description: 'Why there was no answer.' }),
    took_ms: Type.Union([Type.Integer(), Type.Null()]),
  },
  { title: 'WebhookDelivery' },
)

export const deliveryPage = Type.Object(
  {
    deliveries: Type.Array(delivery, { description: 'The newest first.' }),
    next: Type.Union([eventId, Type.Null()], {
      description: 'The `before` of the next page; null: it is the last.',
    }),
  },
  { title: 'WebhookDeliveryPage' },
)

export const deliveriesQuery = Type.Object(
  {
    before: Type.Optional(Type.String({ maxLength: 64, description: 'The `next` of the page before.' })),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 100, description: 'Default: 50.' })),
  },
  closed,
)

export const webhookList = Type.Object({ webhooks: Type.Array(webhook) }, { title: 'WebhookList' })
