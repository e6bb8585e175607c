/** The journal in SQLite: one append-only table. */

import type { DatabaseSync } from 'node:sqlite'
import type { JournalEntry, JournalKind } from '../journal.ts'
import type { UnitOfWork } from '../unit-of-work.ts'
import type { Row } from './rows.ts'

/** @param now  Engine time of the unit. */
export function openJournal(db: DatabaseSync, now: () => number): UnitOfWork['journal'] {
  const insert = db.prepare('insert into journal values (null, ?, ?, ?, ?, ?, ?, ?, ?)')
  return {
    append({ kind, tenant, app, member, verification, detail, addressTag = '' }) {
      insert.run(now(), kind, tenant, app, member, verification, JSON.stringify(detail), addressTag)
    },
  }
}

export function journalReads(db: DatabaseSync) {
  const select = db.prepare(
    'select * from journal where at >= ? and (? is null or kind = ?) order by seq limit ?',
  )
  const selectOfAddress = db.prepare(
    `select * from journal where address_tag in (select value from json_each(?)) and address_tag <> ''
     and at >= ? order by at desc, seq desc limit ?`,
  )
  return {
    read(query: { sinceMs: number; most: number; kind?: JournalKind }): readonly JournalEntry[] {
      const kind = query.kind ?? null
      return (select.all(query.sinceMs, kind, kind, query.most) as Row[]).map(entryOf)
    },

    ofAddress(query: { tags: readonly string[]; sinceMs: number; most: number }): readonly JournalEntry[] {
      const rows = selectOfAddress.all(JSON.stringify(query.tags), query.sinceMs, query.most)
      return (rows as Row[]).map(entryOf)
    },
  }
}

function entryOf(row: Row): JournalEntry {
  return {
    at: row.at as number,
    kind: row.kind as JournalKind,
    tenant: row.tenant as string,
    app: row.app as string,
    member: row.member as string,
    verification: row.verification as string,
    detail: JSON.parse(row.detail as string) as JournalEntry['detail'],
    ...(row.address_tag !== '' && { addressTag: row.address_tag as string }),
  }
}
