/** The journal in PostgreSQL: one append-only table. */

import type { Journal, JournalEntry, JournalKind } from '../journal.ts'
import { type Bound, bind, bindRows, sql } from './statement.ts'

const insertEntries = sql(`
  insert into journal (at, kind, tenant, app, member, verification, detail, address_tag)
  select at, kind, tenant, app, member, verification, detail, address_tag
  from json_to_recordset($1::json)
    as r (at bigint, kind text, tenant text, app text, member text, verification text, detail json,
      address_tag text)`)

const selectEntries = sql(`
  select to_json(j) from journal j
  where j.at >= $1::bigint and ($2::text is null or j.kind = $2::text)
  order by j.seq limit $3::integer`)

const selectOfAddress = sql(`
  select to_json(j) from journal j
  where j.address_tag in (select json_array_elements_text($1::json)) and j.address_tag <> '' and j.at >= $2::bigint
  order by j.at desc, j.seq desc limit $3::integer`)

export function heldJournal(now: number) {
  const appended: object[] = []
  return {
    append({ addressTag = '', ...entry }: Omit<JournalEntry, 'at'>): void {
      appended.push({ at: now, ...entry, address_tag: addressTag })
    },
    writes: (): Bound[] => (appended.length > 0 ? [bindRows(insertEntries, appended)] : []),
  }
}

export function readJournal(query: { sinceMs: number; most: number; kind?: JournalKind }): Bound {
  return bind(selectEntries, query.sinceMs, query.kind ?? null, query.most)
}

export function readJournalOfAddress(query: Parameters<Journal['ofAddress']>[0]): Bound {
  return bind(selectOfAddress, JSON.stringify(query.tags), query.sinceMs, query.most)
}

export function journalEntryOf(row: unknown): JournalEntry {
  const { at, kind, tenant, app, member, verification, detail, address_tag } = row as JournalEntry & {
    readonly address_tag: string
  }
  const entry = { at, kind, tenant, app, member, verification, detail }
  return address_tag === '' ? entry : { ...entry, addressTag: address_tag }
}
