/** The feed of an app's events: a page at once, or when there is something new. */

import { type EventView, eventIdOf, eventView, publicEventId } from '../delivery/webhooks/event-view.ts'
import type { EventPage, EventQuery, Events, EventType } from '../store/events.ts'
import { type EventWatch, type Watched, watchEvents } from './event-watch.ts'

export { type EventType, eventTypes } from '../store/events.ts'
export { type EventView, eventIdOf, publicEventId }

export type FeedQuery = {
  readonly app: string
  /** As a page before it gave it; undefined: from the oldest that is kept. */
  readonly after: string | undefined
  readonly types: readonly EventType[] | null
  readonly max: number
  /** How long to wait for an event if there is none. */
  readonly waitMs: number
  /** Whoever waits has gone. */
  readonly signal: AbortSignal
}

export type FeedOutcome =
  | {
      readonly kind: 'page'
      readonly events: readonly EventView[]
      /** The `after` of the next page; null: there is nothing yet. */
      readonly next: string | null
      readonly isMore: boolean
    }
  /** There is no such event, or it is not kept any more. */
  | { readonly kind: 'unknown' }
  /** So many wait already. */
  | { readonly kind: 'crowded' }

export type EventFeed = { read(query: FeedQuery): Promise<FeedOutcome>; stop(): void }

export function createEventFeed(events: Pick<Events, 'read' | 'heads'>): EventFeed {
  const watch: EventWatch = watchEvents(events)

  async function read({ app, after, types, max, waitMs, signal }: FeedQuery): Promise<FeedOutcome> {
    const from = after === undefined ? null : eventIdOf(after)
    if (from === undefined) return { kind: 'unknown' }
    const until = performance.now() + waitMs
    let position: string | null = from
    for (;;) {
      const page: EventPage | undefined = await events.read({
        app,
        after: position,
        types,
        max,
      } satisfies EventQuery)
      if (!page) return { kind: 'unknown' }
      position = page.last ?? position
      const leftMs = until - performance.now()
      if (page.events.length > 0 || page.isMore || leftMs <= 0 || signal.aborted)
        return {
          kind: 'page',
          events: page.events.map(eventView),
          next: position && publicEventId(position),
          isMore: page.isMore,
        }
      const watched: Watched = await watch.changed({ app, since: position, waitMs: leftMs, signal })
      if (watched === 'crowded') return { kind: 'crowded' }
    }
  }

  return { read, stop: () => watch.stop() }
}
