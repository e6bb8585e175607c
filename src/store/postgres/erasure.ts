/** Erasing people from PostgreSQL: each piece in a transaction of its own. */

import type { FormerMember } from '../../directory/directory.ts'
import {
  type ErasedPeople,
  type ErasurePlace,
  erasureText,
  passes,
  placeAfter,
  rowsInPiece,
  valuesOf,
} from '../erasure.ts'
import { type FormerMemberRow, formerMemberOf } from './rows.ts'
import { type Bound, bind, engineTime, sql, type Value } from './statement.ts'
import type { Transactions } from './transaction.ts'

const statements = passes.map((pass) => {
  const { end, last, run } = erasureText(pass)
  return {
    end: prepared(end.replace(/^select (\w+) as reached/, 'select to_json(t.$1)')),
    last: prepared(last.replace(/^select max\((\w+)\) as reached/, 'select to_json(max(t.$1))')),
    run: prepared(run),
  }
})

const claim = sql(`
  update former_member f set due_at = ${engineTime} + $2::bigint where f.id = any (array(
    select id from former_member where due_at <= ${engineTime} order by due_at limit $1::integer
    for update skip locked))
  returning to_json(f)`)
const renew = sql(`
  update former_member set due_at = ${engineTime} + $2::bigint
  where due_at > 0 and id in (select json_array_elements_text($1::json))`)
const left = sql(`
  select to_json(exists (
    select 1 from former_member where id in (select json_array_elements_text($1::json))))`)

export async function claimErasures(
  transactions: Transactions,
  until: number,
  most: number,
  leaseMs: number,
): Promise<readonly FormerMember[]> {
  const [rows] = await transactions.write(until, bind(claim, most, leaseMs))
  return (rows as (FormerMemberRow & { due_at: number })[]).map(({ due_at: _, ...row }) =>
    formerMemberOf(row),
  )
}

export async function renewErasures(
  transactions: Transactions,
  until: number,
  members: readonly string[],
  leaseMs: number,
): Promise<void> {
  await transactions.write(until, bind(renew, JSON.stringify(members), leaseMs))
}

export async function areErasuresLeft(
  transactions: Transactions,
  until: number,
  members: readonly string[],
): Promise<boolean> {
  return (await transactions.read(until, bind(left, JSON.stringify(members))))[0]![0] as boolean
}

export async function erasePiece(
  transactions: Transactions,
  until: number,
  people: ErasedPeople,
  place: ErasurePlace,
): Promise<ErasurePlace | null> {
  const { end, last, run } = statements[place.pass]!
  const { after } = place
  const [ends, lasts] = await transactions.read(
    until,
    end({ after, rows: rowsInPiece(passes[place.pass]!, people) }),
    last({}),
  )
  const reached = ends![0] as string | number | undefined
  const to = reached ?? (lasts![0] as string | number | null)
  if (to !== null) await transactions.write(until, run(valuesOf(people, { after, end: to })))
  return placeAfter(place, reached)
}

/** A statement whose values have names, in the order in which it names them. */
function prepared(text: string): (values: Readonly<Record<string, unknown>>) => Bound {
  const names: string[] = []
  const written = text
    .replaceAll(/list\((:\w+)\)/g, '(select json_array_elements_text(cast($1 as json)))')
    .replaceAll(/\beach\((:\w+)\)/g, 'json_array_elements_text(cast($1 as json)) as item')
    .replaceAll(/\bplace\(/g, 'strpos(')
    .replaceAll(/(?<!:):(\w+)/g, (_, name: string) => {
      if (!names.includes(name)) names.push(name)
      return `$${names.indexOf(name) + 1}::text`
    })
  const statement = sql(written)
  return (values) => bind(statement, ...names.map((name) => String(values[name]) as Value))
}
