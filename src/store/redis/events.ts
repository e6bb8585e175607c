/** Events: those of verifications are added in Redis, all are read in PostgreSQL. */

import type { EventPage, EventQuery, Events, NewEvent } from '../events.ts'
import type { WaitingEvents } from './waiting-events.ts'

/** @param cold  The events in PostgreSQL. */
export function redisEvents(cold: Events, waiting: WaitingEvents) {
  let readers: ReadonlySet<string> = new Set()
  /** What waits is moved before anything is read. What lies in a shard that does not answer comes later. */
  const moved = (until: number) => waiting.catchUp(until).catch(() => undefined)

  return {
    moved,

    areRead: (app: string): boolean => readers.has(app),

    haveReaders: (): boolean => readers.size > 0,

    /** Moves what waits, before PostgreSQL adds events that come after it. Nothing to do if nobody reads events. */
    async beforeOthers(until: number): Promise<void> {
      if (readers.size > 0) await moved(until)
    },

    async setReaders(apps: readonly string[]): Promise<void> {
      readers = new Set(apps)
      await cold.setReaders(apps)
    },

    // In its shard an event waits behind those of its verification that came before.
    async append(until: number, events: readonly NewEvent[]): Promise<void> {
      const { hot = [], notHot = [] } = Object.groupBy(
        events.filter(({ app }) => readers.has(app)),
        ({ verification }) => (waiting.hasShard(verification) ? 'hot' : 'notHot'),
      )
      await Promise.all([
        hot.length > 0 && waiting.append(until, hot),
        notHot.length > 0 && cold.append(notHot),
      ])
    },

    async read(until: number, query: EventQuery): Promise<EventPage | undefined> {
      await moved(until)
      return cold.read(query)
    },

    async heads(until: number, apps: readonly string[]): Promise<readonly (string | null)[]> {
      await moved(until)
      return cold.heads(apps)
    },
  }
}
