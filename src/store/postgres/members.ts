/** Changes of members in PostgreSQL by units of work, with a lock on all members that they could collide with. */

import { type Address, addressKey } from '../../address/address.ts'
import type { Member } from '../../directory/directory.ts'
import { storableJson } from '../storable.ts'
import type { UnitOfWork } from '../unit-of-work.ts'
import { type MemberRow, memberOf } from './rows.ts'
import { type Bound, bind, bindRows, sql } from './statement.ts'

/** The properties by which members are found. An absent one finds none. */
export type WantedMember = {
  readonly id?: string
  readonly tenant?: string
  readonly account?: string
  readonly phone_key?: string
  readonly email_key?: string
}

/** Locks members in one order, before anything else that a unit locks. */
const selectMembers = sql(`
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

/** If another process took an account or a number since the read, the unique index refuses, and the unit begins anew. */
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

/** The members are locked before. */
const deleteTokensOf = sql(`
  delete from token t using json_array_elements_text($1::json) as ended (member) where t.member = ended.member`)

export function readMembers(wanted: readonly WantedMember[]): Bound {
  return bindRows(selectMembers, wanted)
}

/** The properties of all members that an imported one could collide with, and its own. */
export function collidingWith({ id, tenant, account, phone, email }: Member): WantedMember {
  return {
    id,
    tenant,
    account,
    ...(phone && { phone_key: addressKey(phone) }),
    ...(email && { email_key: addressKey(email) }),
  }
}

export function bearing(tenant: string, address: Address): WantedMember {
  const key = addressKey(address)
  return address.kind === 'phone' ? { tenant, phone_key: key } : { tenant, email_key: key }
}

export function heldMembers(rows: readonly unknown[]) {
  const byId = new Map<string, Member>()
  /** Ids by each property that only one member can have. */
  const owners = new Map<string, string>()
  const steps: Member[] = []
  const loggedOut = new Set<string>()

  function hold(member: Member): void {
    byId.set(member.id, member)
    for (const name of namesOf(member)) owners.set(name, member.id)
  }
  for (const row of rows as readonly MemberRow[]) hold(memberOf(row))

  const ownerOf = (name: string): Member | undefined => {
    const id = owners.get(name)
    return id === undefined ? undefined : byId.get(id)
  }

  const members: UnitOfWork['members'] = {
    get: (id) => byId.get(id),
    byAccount: (tenant, account) => ownerOf(accountName(tenant, account)),
    byLogin: (account) => ownerOf(loginName(account)),
    byAddress: (tenant, address) => ownerOf(addressName(tenant, address)),
    put(member) {
      const previous = byId.get(member.id)
      if (previous)
        for (const name of namesOf(previous)) if (owners.get(name) === member.id) owners.delete(name)
      hold(member)
      steps.push(member)
    },
  }
  return {
    members,
    tokens: { endOf: (member: string): void => void loggedOut.add(member) },
    writes(): Bound[] {
      const ended = [...loggedOut].toSorted()
      return [...(ended.length > 0 ? [bind(deleteTokensOf, storableJson(ended))] : []), ...writesOf(steps)]
    },
  }
}

const accountName = (tenant: string, account: string) => `account\0${tenant}\0${account}`
const loginName = (account: string) => `login\0${account}`
const addressName = (tenant: string, address: Address) => `${address.kind}\0${tenant}\0${addressKey(address)}`

function namesOf({ tenant, account, passwordHash, phone, email }: Member): string[] {
  return [
    accountName(tenant, account),
    ...(passwordHash === null ? [] : [loginName(account)]),
    ...(phone ? [addressName(tenant, phone)] : []),
    ...(email ? [addressName(tenant, email)] : []),
  ]
}

/** Writes in the decided order, because a number may go from one member to another. A statement writes each row once. */
function writesOf(steps: readonly Member[]): Bound[] {
  const writes: Bound[] = []
  let some: Member[] = []
  const flush = () => {
    if (some.length > 0) writes.push(bindRows(upsertMembers, some.map(rowOf)))
    some = []
  }
  for (const step of steps) {
    if (some.some((one) => one.id === step.id)) flush()
    some.push(step)
  }
  flush()
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
