/** Members as they are imported: each added, updated, left alone or refused on its own merits, all in one step. */

import { addressKey } from '../../address/address.ts'
import type { Member } from '../../directory/directory.ts'
import type { ImportOutcome } from '../directory.ts'
import { type MemberRow, memberOf } from './rows.ts'
import { type Bound, bind, bindRows, sql } from './statement.ts'
import type { Transactions } from './transaction.ts'

/** All that any of them could collide with, in the order in which members are locked. */
const selectRelated = sql(`
  select to_json(m)
  from (
    select i.id from json_to_recordset($1::json) as i (id text)
    union
    select o.id from json_to_recordset($1::json) as i (tenant text, account text)
      join member o on o.tenant = i.tenant and o.account = i.account
    union
    select o.id from json_to_recordset($1::json) as i (account text)
      join member o on o.account = i.account and o.password_hash is not null
    union
    select o.id from json_to_recordset($1::json) as i (tenant text, phone_key text)
      join member o on o.tenant = i.tenant and o.phone_key = i.phone_key
    union
    select o.id from json_to_recordset($1::json) as i (tenant text, email_key text)
      join member o on o.tenant = i.tenant and o.email_key = i.email_key) as related
  join member m on m.id = related.id
  order by m.id for update of m`)

/** Another process may have taken an account or a number since they were read: the key refuses, all begins anew. */
const upsertMembers = sql(`
  insert into member (id, tenant, account, password_hash, role, is_disabled, profile, dept_code, phone_key,
    phone, phone_country, email_key, email, created_at)
  select * from json_to_recordset($1::json) as r (id text, tenant text, account text, password_hash text,
    role text, is_disabled boolean, profile json, dept_code text, phone_key text, phone json,
    phone_country text, email_key text, email json, created_at bigint)
  on conflict (id) do update set account = excluded.account, password_hash = excluded.password_hash,
    role = excluded.role, is_disabled = excluded.is_disabled, profile = excluded.profile,
    dept_code = excluded.dept_code, phone_key = excluded.phone_key, phone = excluded.phone,
    phone_country = excluded.phone_country, email_key = excluded.email_key, email = excluded.email`)

/** Whoever is allowed again logs in again. The members are held. */
const deleteTokensOf = sql('delete from token where member = $1')

export function putMembers(
  transactions: Transactions,
  until: number,
  members: readonly Member[],
): Promise<readonly ImportOutcome[]> {
  const rows = members.map(rowOf)
  return transactions.decide(until, [bindRows(selectRelated, rows)], ([found]) => {
    const present = new Map((found as MemberRow[]).map((row) => [row.id, row]))
    const steps: MemberRow[] = []
    const allowed: string[] = []
    const result = rows.map((row): ImportOutcome => {
      const outcome = outcomeOf(row, present)
      if (outcome.kind === 'added' || outcome.kind === 'updated') {
        if (present.get(row.id)?.is_disabled && !row.is_disabled) allowed.push(row.id)
        const kept = { ...row, created_at: present.get(row.id)?.created_at ?? row.created_at }
        present.set(row.id, kept)
        steps.push(kept)
      }
      return outcome
    })
    const ended = allowed.map((id) => bind(deleteTokensOf, id))
    return { writes: [...ended, ...writesOf(steps)], result }
  })
}

function outcomeOf(row: MemberRow, present: ReadonlyMap<string, MemberRow>): ImportOutcome {
  const isAnother = (isSame: (other: MemberRow) => boolean) => {
    for (const other of present.values()) if (other.id !== row.id && isSame(other)) return true
    return false
  }
  const { tenant, account, password_hash, phone_key, email_key } = row
  if (
    isAnother(
      (other) =>
        other.account === account &&
        (other.tenant === tenant || (password_hash !== null && other.password_hash !== null)),
    )
  )
    return { kind: 'refused', reason: 'account-taken' }
  if (phone_key !== null && isAnother((other) => other.tenant === tenant && other.phone_key === phone_key))
    return { kind: 'refused', reason: 'phone-bound' }
  if (email_key !== null && isAnother((other) => other.tenant === tenant && other.email_key === email_key))
    return { kind: 'refused', reason: 'email-bound' }
  const previous = present.get(row.id)
  if (!previous) return { kind: 'added' }
  const isSame =
    JSON.stringify(memberOf(previous)) ===
    JSON.stringify(memberOf({ ...row, created_at: previous.created_at }))
  return { kind: isSame ? 'unchanged' : 'updated' }
}

/** In the order decided, for a number may go from one to another; a row is written once in a statement. */
function writesOf(steps: readonly MemberRow[]): Bound[] {
  const writes: Bound[] = []
  let some: MemberRow[] = []
  for (const step of steps) {
    if (some.some((one) => one.id === step.id)) {
      writes.push(bindRows(upsertMembers, some))
      some = []
    }
    some.push(step)
  }
  if (some.length > 0) writes.push(bindRows(upsertMembers, some))
  return writes
}

function rowOf(member: Member): MemberRow {
  const { id, tenant, account, role, profile, phone, email } = member
  return {
    id,
    tenant,
    account,
    password_hash: member.passwordHash,
    role,
    is_disabled: member.isDisabled,
    profile,
    dept_code: member.deptCode,
    phone_key: phone && addressKey(phone),
    phone,
    phone_country: member.phoneCountry,
    email_key: email && addressKey(email),
    email,
    created_at: member.createdAt,
  }
}
