/** Events in SQLite: appended by units of work, read by their app in the order of their rows. */

import type { DatabaseSync } from 'node:sqlite'
import { eventPageOf, type ReadEventRow, rowsOfPage } from '../event-rows.ts'
import { type AppEvent, type EventPage, type EventQuery, type EventType, newEventId } from '../events.ts'
import type { UnitOfWork } from '../unit-of-work.ts'
import type { Row } from './rows.ts'

/**
 * @param now  Engine time of the unit.
 * @param wallNow  The clock that ids are made by.
 */
export function openEvents(db: DatabaseSync, now: () => number, wallNow: () => number) {
  let readers: ReadonlySet<string> = new Set()
  const insert = db.prepare(
    'insert into event values (null, ?, ?, ?, ?, ?, ?, ?, ?) on conflict (id) do nothing',
  )
  // Rows that came by a move have the transactions of another engine before their own order; later ones follow them.
  const { tx } = db.prepare('select coalesce(max(tx), 0) as tx from event').get() as { tx: number }
  const events: UnitOfWork['events'] = {
    areRead: (app) => readers.has(app),
    add({ id = newEventId(wallNow()), type, tenant, app, verification, facts }) {
      insert.run(tx, id, type, tenant, app, verification, now(), JSON.stringify(facts))
    },
  }
  return {
    events,
    hasReaders: () => readers.size > 0,
    setReaders(apps: readonly string[]): void {
      readers = new Set(apps)
    },
  }
}

const shown = `id, type, tenant, verification, at, tx, seq,
  iif(:wanted is null or type in (select value from json_each(:wanted)), facts, null) as facts`

/**
 * In two parts, because of \`(tx, seq) > (?, ?)\` SQLite uses only the first column of the index: nearly all rows have the
 * same transaction, so each page went through all events of the app. With 500,000 of them that took 40 ms.
 */
export const pageSql = `
  select ${shown} from event where app = :app and tx = :tx and seq > :seq
  union all
  select ${shown} from event where app = :app and tx > :tx
  order by tx, seq limit :max`

export function eventReads(db: DatabaseSync) {
  const position = db.prepare('select tx, seq from event where id = ? and app = ?')
  const page = db.prepare(pageSql)
  const some = db.prepare('select * from event where app = ? and id in (select value from json_each(?))')
  const head = db.prepare('select id from event where app = ? order by tx desc, seq desc limit 1')
  return {
    read(query: EventQuery): EventPage | undefined {
      const { app, after, types } = query
      const start = after === null ? { tx: -1, seq: 0 } : (position.get(after, app) as Row | undefined)
      if (!start) return undefined
      const wanted = types && JSON.stringify(types)
      const max = rowsOfPage(query)
      const rows = page.all({ wanted, app, tx: start.tx as number, seq: start.seq as number, max }) as Row[]
      return eventPageOf(query, rows.map(readRow))
    },

    find: (app: string, ids: readonly string[]): readonly AppEvent[] =>
      (some.all(app, JSON.stringify(ids)) as Row[]).map((row) => ({ ...readRow(row), app }) as AppEvent),

    heads: (apps: readonly string[]): readonly (string | null)[] =>
      apps.map((app) => (head.get(app)?.id as string | undefined) ?? null),
  }
}

function readRow(row: Row): ReadEventRow {
  return {
    id: row.id as string,
    type: row.type as EventType,
    tenant: row.tenant as string,
    verification: row.verification as string,
    at: row.at as number,
    facts: row.facts === null ? null : (JSON.parse(row.facts as string) as ReadEventRow['facts']),
  }
}
