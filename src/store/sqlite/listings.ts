/** The entries of members in lists in SQLite: written with their members, searched on a connection of their own. */

import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type { Member } from '../../directory/directory.ts'
import { isSameListing, type Listing, listingOf } from '../listing.ts'
import {
  type Dialect,
  type FoundMembers,
  type MemberQuery,
  type Place,
  searchListings,
} from '../member-search.ts'
import { memberOf, type Row } from './rows.ts'

const columns = 'tenant, member, sort_level, name, account, dept_code, role, is_disabled, words, hidden'

export function openListings(db: DatabaseSync) {
  const select = db.prepare(`select ${columns} from member_listing where member = ?`)
  const insert = db.prepare(`insert into member_listing (${columns}) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`)
  const remove = db.prepare('delete from member_listing where member = ?')
  return {
    put(member: Member): void {
      const next = listingOf(member)
      const row = select.get(member.id) as Row | undefined
      if (row) {
        if (isSameListing(next, listingIn(row))) return
        remove.run(member.id)
      }
      const { tenant, sort_level, name, account, dept_code, role, words, hidden } = next
      insert.run(
        tenant,
        member.id,
        sort_level,
        name,
        account,
        dept_code,
        role,
        Number(next.is_disabled),
        words,
        hidden,
      )
    },
    remove: (id: string): void => void remove.run(id),
  }
}

function listingIn(row: Row): Listing {
  return { ...(row as Listing), is_disabled: row.is_disabled === 1 }
}

/** Lists the members that a store has from before there were lists. */
export function listUnlisted(db: DatabaseSync): void {
  const count = (table: string) => db.prepare(`select count(*) as n from ${table}`).get()?.n as number
  if (count('member') === count('member_listing')) return
  const unlisted = db.prepare(
    `select * from member m where not exists (select 1 from member_listing l where l.member = m.id)`,
  )
  db.exec('begin immediate')
  try {
    const listings = openListings(db)
    for (const row of unlisted.all() as Row[]) listings.put(memberOf(row))
    db.exec('commit')
  } catch (error) {
    if (db.isTransaction) db.exec('rollback')
    throw error
  }
}

const dialect: Dialect = {
  parameter: (at) => `?${at}`,
  contains: (column, key) => `instr(${column}, ${key}) > 0`,
  each: (json) => `select value from json_each(${json})`,
  listing(order) {
    switch (order) {
      case 'sortLevel':
        return 'member_listing l'
      case 'name':
        return 'member_listing l indexed by listing_by_name'
      case 'account':
        return 'member_listing l indexed by listing_by_account'
    }
  },
  row: (some) => some.join(', '),
  count: 'count(*)',
}

/** @param db  A connection that nobody else uses meanwhile: a search sees one moment. */
export function openMemberSearch(db: DatabaseSync) {
  const statements = new Map<string, StatementSync>()
  const members = db.prepare('select * from member where id in (select value from json_each(?))')

  function rowsOf(text: string, values: readonly (string | number | boolean)[]): readonly unknown[][] {
    let statement = statements.get(text)
    if (!statement) {
      statement = db.prepare(text)
      statement.setReturnArrays(true)
      statements.set(text, statement)
    }
    const rows = statement.all(...values.map((value) => (typeof value === 'boolean' ? Number(value) : value)))
    return rows as unknown as unknown[][]
  }

  return async (query: MemberQuery): Promise<FoundMembers> => {
    db.exec('begin')
    try {
      const { ids, ...found } = await searchListings(
        query,
        dialect,
        async (text, values) => rowsOf(text, values) as unknown as Place[],
        async (text, values) => rowsOf(text, values).map(([n]) => n as number),
      )
      const byId = new Map(
        (members.all(JSON.stringify(ids)) as Row[]).map((row) => [row.id as string, memberOf(row)]),
      )
      return { ...found, members: ids.flatMap((id) => byId.get(id) ?? []) }
    } finally {
      db.exec('commit')
    }
  }
}
