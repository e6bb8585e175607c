/** `/v1/events`: the feed of an app. */

import { type EventType, eventTypes } from '../../flows/event-feed.ts'
import * as schemas from './event-schemas.ts'
import { invalidParameter } from './faults.ts'
import { type Outcome, route } from './route.ts'

const maxWaitS = 25
const pageSize = 100

export const eventsRoute = route({
  operationId: 'readEvents',
  method: 'GET',
  path: '/events',
  tag: 'Events',
  summary: 'What happened, in order, and what is happening now.',
  description:
    'Each call goes on from the `next` of the one before. No event is skipped, also when many are written at once. They are kept for 30 days.',
  access: 'events:read',
  query: schemas.feedQuery,
  maxAnswerMs: (maxWaitS + 1) * 1000,
  answers: { 200: { description: 'A page, which may be empty.', schema: schemas.eventPage } },
  problems: ['not-found', 'rate-limited'],
  async handle({ services }, { reply, holder, query }): Promise<Outcome> {
    const { after, limit = pageSize, wait_s: waitS = 0 } = query
    const types = query.types === undefined ? null : typesIn(query.types)
    if (types === undefined)
      return invalidParameter('types', 'enum', `It takes types of events: ${eventTypes.join(', ')}.`)
    const gone = new AbortController()
    reply.raw.once('close', () => gone.abort())
    const outcome = await services.feed.read({
      app: holder.app.id,
      after,
      types,
      max: limit,
      waitMs: waitS * 1000,
      signal: gone.signal,
    })
    switch (outcome.kind) {
      case 'page': {
        const { events, next, isMore } = outcome
        return { status: 200, body: { events, next, has_more: isMore } }
      }
      case 'unknown':
        return {
          problem: 'not-found',
          detail: 'There is no such event of this app, or it is not kept any more. Begin without `after`.',
        }
      case 'crowded':
        return {
          problem: 'rate-limited',
          detail: 'So many calls wait for events of this app already.',
          members: { limit: 'event-waiters' },
          retryAfterMs: 1000,
        }
    }
  },
})

/** @returns undefined if one is no type. */
function typesIn(text: string): readonly EventType[] | undefined {
  const found = text.split(',').map((name) => eventTypes.find((type) => type === name.trim()))
  return found.every((type) => type !== undefined) ? found : undefined
}
