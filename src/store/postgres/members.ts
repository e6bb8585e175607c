/** Changes of members in PostgreSQL by units of work, with a lock on all members that they could collide with. */

import { type Address, addressKey } from '../../address/address.ts'
import type { Member } from '../../directory/directory.ts'
import { isSameListing, type Listing, listingOf } from '../listing.ts'
import { storableJson } from '../storable.ts'
import type { UnitOfWork } from '../unit-of-work.ts'
import { putListings, removeListings } from './listings.ts'
import { type MemberRow, memberOf } from './rows.ts'
import { type Bound, bind, bindRows, sql } from './statement.ts'

/** The properties by which members are found. An absent one finds none. */
export type WantedMember = {
  readonly id?: string
  readonly tenant?: string
  readonly account?: string
  readonly third_account?: string
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
    select o.id from json_to_recordset($1::json) as i (tenant text, third_account text)
      join member o on o.tenant = i.tenant and o.third_account = i.third_account
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
    phone, phone_country, email_key, email, created_at, third_account, sort_level, hides_phone,
    must_change_password, contact_barred_until)
  select * from json_to_recordset($1::json) as r (id text, tenant text, account text, password_hash text,
    role text, is_disabled boolean, profile json, dept_code text, phone_key text, phone json,
    phone_country text, email_key text, email json, created_at bigint,
    third_account text, sort_level integer, hides_phone boolean, must_change_password boolean,
    contact_barred_until bigint)
  on conflict (id) do update set account = excluded.account, password_hash = excluded.password_hash,
    role = excluded.role, is_disabled = excluded.is_disabled, profile = excluded.profile,
    dept_code = excluded.dept_code, phone_key = excluded.phone_key, phone = excluded.phone,
    phone_country = excluded.phone_country, email_key = excluded.email_key, email = excluded.email,
    third_account = excluded.third_account, sort_level = excluded.sort_level, hides_phone = excluded.hides_phone,
    must_change_password = excluded.must_change_password, contact_barred_until = excluded.contact_barred_until`)

const deleteMembers = sql(`
  delete from member m using json_array_elements_text($1::json) as gone (id) where m.id = gone.id`)
const keepFormer = sql(`
  insert into former_member (id, tenant, account, contacts, deleted_at)
  select * from json_to_recordset($1::json) as r (id text, tenant text, account text, contacts json,
    deleted_at bigint)
  on conflict (id) do update set account = excluded.account, contacts = excluded.contacts,
    deleted_at = excluded.deleted_at, due_at = 0`)

/** The members are locked before. */
const deleteTokensOf = sql(`
  delete from token t using json_array_elements_text($1::json) as ended (member) where t.member = ended.member`)

export function readMembers(wanted: readonly WantedMember[]): Bound {
  return bindRows(selectMembers, wanted)
}

/** The properties of all members that an imported one could collide with, and its own. */
export function collidingWith({ id, tenant, account, thirdAccount, phone, email }: Member): WantedMember {
  return {
    id,
    tenant,
    account,
    ...(thirdAccount !== null && { third_account: thirdAccount }),
    ...(phone && { phone_key: addressKey(phone) }),
    ...(email && { email_key: addressKey(email) }),
  }
}

export function bearing(tenant: string, address: Address): WantedMember {
  const key = addressKey(address)
  return address.kind === 'phone' ? { tenant, phone_key: key } : { tenant, email_key: key }
}

type Step = { readonly kind: 'put' | 'remove'; readonly member: Member }

/** @param areIn  Whether a department has members. */
export function heldMembers(
  rows: readonly unknown[],
  now: number,
  areIn: UnitOfWork['members']['areIn'] = () => false,
) {
  const byId = new Map<string, Member>()
  /** Ids by each property that only one member can have. */
  const owners = new Map<string, string>()
  const steps: Step[] = []
  const loggedOut = new Set<string>()
  /** Of those who are removed. */
  const contactsOf = new Map<string, readonly Address[]>()

  function hold(member: Member): void {
    byId.set(member.id, member)
    for (const name of namesOf(member)) owners.set(name, member.id)
  }
  for (const row of rows as readonly MemberRow[]) hold(memberOf(row))

  /** As the member was read; it may be listed as it was before that if two steps of this unit change it. */
  const before = new Map(byId)
  const isListed = (listing: Listing): boolean => {
    const member = before.get(listing.member)
    before.delete(listing.member)
    return member !== undefined && isSameListing(listing, listingOf(member))
  }

  const ownerOf = (name: string): Member | undefined => {
    const id = owners.get(name)
    return id === undefined ? undefined : byId.get(id)
  }

  const members: UnitOfWork['members'] = {
    get: (id) => byId.get(id),
    byAccount: (tenant, account) => ownerOf(accountName(tenant, account)),
    byThirdAccount: (tenant, account) => ownerOf(thirdAccountName(tenant, account)),
    byLogin: (account) => ownerOf(loginName(account)),
    byAddress: (tenant, address) => ownerOf(addressName(tenant, address)),
    put(member) {
      const previous = byId.get(member.id)
      if (previous)
        for (const name of namesOf(previous)) if (owners.get(name) === member.id) owners.delete(name)
      hold(member)
      steps.push({ kind: 'put', member })
    },
    remove(member, contacts) {
      contactsOf.set(member.id, contacts)
      for (const name of namesOf(member)) if (owners.get(name) === member.id) owners.delete(name)
      byId.delete(member.id)
      steps.push({ kind: 'remove', member })
    },
    areIn,
  }
  return {
    members,
    tokens: { endOf: (member: string): void => void loggedOut.add(member) },
    writes(): Bound[] {
      const ended = [...loggedOut].toSorted()
      return [
        ...(ended.length > 0 ? [bind(deleteTokensOf, storableJson(ended))] : []),
        ...writesOf(steps, now, isListed, contactsOf),
      ]
    },
  }
}

const accountName = (tenant: string, account: string) => `account\0${tenant}\0${account}`
const thirdAccountName = (tenant: string, account: string) => `third\0${tenant}\0${account}`
const loginName = (account: string) => `login\0${account}`
const addressName = (tenant: string, address: Address) => `${address.kind}\0${tenant}\0${addressKey(address)}`

function namesOf({ tenant, account, thirdAccount, passwordHash, phone, email }: Member): string[] {
  return [
    accountName(tenant, account),
    ...(thirdAccount === null ? [] : [thirdAccountName(tenant, thirdAccount)]),
    ...(passwordHash === null ? [] : [loginName(account)]),
    ...(phone ? [addressName(tenant, phone)] : []),
    ...(email ? [addressName(tenant, email)] : []),
  ]
}

/** Writes in the decided order, because a number may go from one member to another. A statement writes each row once. */
function writesOf(
  steps: readonly Step[],
  now: number,
  isListed: (listing: Listing) => boolean,
  contactsOf: ReadonlyMap<string, readonly Address[]>,
): Bound[] {
  const writes: Bound[] = []
  let kind: Step['kind'] = 'put'
  let some = new Map<string, Member>()
  const flush = () => {
    const members = [...some.values()]
    some = new Map()
    if (members.length === 0) return
    if (kind === 'put') {
      writes.push(bindRows(upsertMembers, members.map(rowOf)))
      const changed = members.map(listingOf).filter((one) => !isListed(one))
      if (changed.length > 0) writes.push(putListings(changed))
      return
    }
    const former = members.map(({ id, tenant, account }) => ({
      ...{ id, tenant, account, contacts: contactsOf.get(id) ?? [] },
      deleted_at: now,
    }))
    const ids = members.map(({ id }) => id)
    writes.push(bind(deleteMembers, storableJson(ids)), removeListings(ids), bindRows(keepFormer, former))
  }
  for (const step of steps) {
    if (step.kind !== kind || some.has(step.member.id)) flush()
    kind = step.kind
    some.set(step.member.id, step.member)
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
    third_account: member.thirdAccount,
    sort_level: member.sortLevel,
    hides_phone: member.hidesPhone,
    must_change_password: member.mustChangePassword,
    contact_barred_until: member.contactBarredUntil,
  }
}
