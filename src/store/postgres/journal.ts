/** The journal in PostgreSQL: one append-only table. */

import type { JournalEntry, JournalKind } from '../journal.ts'
import { type Bound, bind, bindRows, sql } from './statement.ts'

const insertEntries = sql(`
  insert into journal (at, kind, tenant, app, member, verification, detail)
  select at, kind, tenant, app, member, verification, detail
  from json_to_recordset($1::json)
    as r (at bigint, kind text, tenant text, app text, member text, verification text, detail json)`)

const selectEntries = sql(`
  select to_json(j) from journal j
  where j.at >= $1::bigint and ($2::text is null or j.kind = $2::text)
  order by j.seq limit $3::integer`)

export type HeldJournal = ReturnType<typeof heldJournal>

export function heldJournal(now: number) {
  const appended: JournalEntry[] = []
  return {
    append(entry: Omit<JournalEntry, 'at'>): void {
      appended.push({ at: now, ...entry })
    },
    writes: (): Bound[] => (appended.length > 0 ? [bindRows(insertEntries, appended)] : []),
  }
}

export function readJournal(query: { sinceMs: number; most: number; kind?: JournalKind }): Bound {
  return bind(selectEntries, query.sinceMs, query.kind ?? null, query.most)
}

export function journalEntryOf(row: unknown): JournalEntry {
  const { at, kind, tenant, app, member, verification, detail } = row as JournalEntry
  return { at, kind, tenant, app, member, verification, detail }
}
