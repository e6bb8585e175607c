/** The journal in SQLite: one append-only table. */

import type { DatabaseSync } from 'node:sqlite'
import type { JournalEntry, JournalKind } from '../journal.ts'
import type { Row } from './rows.ts'

export type SqliteJournal = ReturnType<typeof sqliteJournal>

export function sqliteJournal(db: DatabaseSync, now: () => number) {
  const insert = db.prepare('insert into journal values (null, ?, ?, ?, ?, ?, ?, ?)')
  const select = db.prepare(
    'select * from journal where at >= ? and (? is null or kind = ?) order by seq limit ?',
  )
  return {
    append(entry: Omit<JournalEntry, 'at'>): void {
      const { kind, tenant, app, member, verification, detail } = entry
      insert.run(now(), kind, tenant, app, member, verification, JSON.stringify(detail))
    },

    read(query: { sinceMs: number; most: number; kind?: JournalKind }): readonly JournalEntry[] {
      const kind = query.kind ?? null
      return (select.all(query.sinceMs, kind, kind, query.most) as Row[]).map((row) => ({
        at: row.at as number,
        kind: row.kind as JournalKind,
        tenant: row.tenant as string,
        app: row.app as string,
        member: row.member as string,
        verification: row.verification as string,
        detail: JSON.parse(row.detail as string) as JournalEntry['detail'],
      }))
    },
  }
}
