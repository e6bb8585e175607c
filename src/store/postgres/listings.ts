/** The entries of members in lists in PostgreSQL: written with their members, and searched. */

import type { Member } from '../../directory/directory.ts'
import { type Listing, listingOf } from '../listing.ts'
import {
  type Dialect,
  type FoundMembers,
  type MemberQuery,
  type Place,
  searchListings,
  type Value,
} from '../member-search.ts'
import { storableJson } from '../storable.ts'
import type { PostgresConnection } from './connection.ts'
import { type MemberRow, memberOf } from './rows.ts'
import { type Bound, bind, bindRows, sql } from './statement.ts'
import type { Transactions } from './transaction.ts'

const columns = 'tenant, member, sort_level, name, account, dept_code, role, is_disabled, words, hidden'

const upsertListings = sql(`
  insert into member_listing (${columns})
  select ${columns} from json_to_recordset($1::json) as r (tenant text, member text, sort_level integer, name text,
    account text, dept_code text, role text, is_disabled boolean, words text, hidden text)
  on conflict (member) do update set sort_level = excluded.sort_level, name = excluded.name,
    account = excluded.account, dept_code = excluded.dept_code, role = excluded.role,
    is_disabled = excluded.is_disabled, words = excluded.words, hidden = excluded.hidden`)
const deleteListings = sql(`
  delete from member_listing l using json_array_elements_text($1::json) as gone (id) where l.member = gone.id`)

export const putListings = (listings: readonly Listing[]): Bound => bindRows(upsertListings, listings)
export const removeListings = (members: readonly string[]): Bound =>
  bind(deleteListings, storableJson(members))

const areAllListed = sql(`
  select to_json((select count(*) from member) = (select count(*) from member_listing))`)
const unlisted = sql(`
  select to_json(m) from member m
  where m.id > $1 and not exists (select from member_listing l where l.member = m.id)
  order by m.id limit 1000`)
const listMs = 600_000

/** Lists the members that a store has from before there were lists, or from a server of before that ran beside. */
export async function listUnlisted(connection: PostgresConnection): Promise<void> {
  const until = performance.now() + listMs
  const run = async (bound: Bound) => (await connection.run([bound], until))[0]!
  if ((await run(bind(areAllListed)))[0] === true) return
  for (let after = ''; ; ) {
    const members = ((await run(bind(unlisted, after))) as MemberRow[]).map(memberOf)
    if (members.length === 0) return
    await run(putListings(members.map(listingOf)))
    after = members.at(-1)!.id
  }
}

const dialect: Dialect = {
  parameter: (at, type) => `$${at}::${type}`,
  contains: (column, key) => `strpos(${column}, ${key}) > 0`,
  each: (json) => `select json_array_elements_text(${json})`,
  listing: () => 'member_listing l',
  row: (some) => `json_build_array(${some.join(', ')})`,
  count: 'to_json(count(*))',
}

/**
 * A plan that gathers all entries from the table before it sorts them would take several times as long. Several processes
 * for one search took 29 ms in place of 19, and the processors from all others.
 */
const byIndexAlone = bind(
  sql(`
    select json_build_array(set_config('enable_bitmapscan', 'off', true),
      set_config('max_parallel_workers_per_gather', '0', true))`),
)
const selectMembers = sql(`
  select to_json(m) from member m where m.id = any (array(select json_array_elements_text($1::json)))`)

export async function searchMembers(
  transactions: Transactions,
  until: number,
  query: MemberQuery,
): Promise<FoundMembers> {
  const run = async (text: string, values: readonly Value[]): Promise<readonly unknown[]> =>
    (await transactions.read(until, byIndexAlone, bind(sql(text), ...values)))[1]!
  const { ids, ...found } = await searchListings(
    query,
    dialect,
    async (text, values) => (await run(text, values)) as Place[],
    async (text, values) => (await run(text, values)) as number[],
  )
  const rows =
    ids.length === 0 ? [] : (await transactions.read(until, bind(selectMembers, storableJson(ids))))[0]!
  const byId = new Map<string, Member>((rows as MemberRow[]).map((row) => [row.id, memberOf(row)]))
  return { ...found, members: ids.flatMap((id) => byId.get(id) ?? []) }
}
