/** Former contacts and recoveries in PostgreSQL. The lock on their member guards them. */

import { type Address, addressKey } from '../../address/address.ts'
import type { FormerContact, Recovery } from '../../directory/contact-history.ts'
import { storableJson } from '../storable.ts'
import type { UnitOfWork } from '../unit-of-work.ts'
import { type Bound, bind, bindRows, engineTime, sql } from './statement.ts'

const selectFormer = sql(`
  select to_json(f) from json_array_elements_text($1::json) as w (member)
  join former_contact f on f.member = w.member order by f.changed_at`)
const selectRecoveries = sql(`
  select to_json(r) from json_array_elements_text($1::json) as w (member) join recovery r on r.member = w.member`)

const addFormer = sql(`
  insert into former_contact (tenant, member, contact, changed_at, address_key, address, country)
  select * from json_to_recordset($1::json) as r (tenant text, member text, contact text, changed_at bigint,
    address_key text, address json, country text)
  on conflict do nothing`)
const removeFormer = sql(`
  delete from former_contact where member = $1 and contact = $2 and changed_at >= $3::bigint`)
const endFormer = sql('delete from former_contact where member = $1')
const addRecovery = sql(`
  insert into recovery (member, tenant, app, contact, address_key, address, country, locale, started_by, started_at,
    due_at)
  select * from json_to_recordset($1::json) as r (member text, tenant text, app text, contact text, address_key text,
    address json, country text, locale text, started_by text, started_at bigint, due_at bigint)`)
const removeRecovery = sql('delete from recovery where member = $1')

const formerByAddress = sql(`
  select to_json(f) from former_contact f where f.address_key = $1 order by f.changed_at desc`)
/** From the few recoveries, because members are found by an address only within a tenant. */
const recoveriesOf = (column: string) =>
  sql(`select to_json(r) from recovery r join member m on m.id = r.member where m.${column} = $1`)
const recoveriesOfPhone = recoveriesOf('phone_key')
const recoveriesOfEmail = recoveriesOf('email_key')
const due = sql(`
  select to_json(r) from recovery r where r.due_at <= ${engineTime} order by r.due_at limit $1::integer`)

type FormerRow = Omit<FormerContact, 'changedAt'> & { readonly changed_at: number }
type RecoveryRow = Omit<Recovery, 'startedBy' | 'startedAt' | 'dueAt'> & {
  readonly started_by: string
  readonly started_at: number
  readonly due_at: number
}

export const formerContactsOf = (members: Iterable<string>): Bound =>
  bind(selectFormer, storableJson([...members]))
export const recoveriesOfMembers = (members: Iterable<string>): Bound =>
  bind(selectRecoveries, storableJson([...members]))
export const formerContactsAt = (address: Address): Bound => bind(formerByAddress, addressKey(address))
export const recoveriesAt = (address: Address): Bound =>
  bind(address.kind === 'phone' ? recoveriesOfPhone : recoveriesOfEmail, addressKey(address))
export const dueRecoveries = (most: number): Bound => bind(due, most)

/** What units of work have read of it, and what they write. */
export function heldContactHistory(former: readonly unknown[], recoveries: readonly unknown[]) {
  let kept = (former as readonly FormerRow[]).map(formerContactOf)
  const pending = new Map((recoveries as readonly RecoveryRow[]).map((row) => [row.member, recoveryOf(row)]))
  const writes: Bound[] = []
  const formerContacts: UnitOfWork['formerContacts'] = {
    of: (member) => kept.filter((one) => one.member === member),
    add(one) {
      kept.push(one)
      const { changedAt, ...row } = one
      writes.push(
        bindRows(addFormer, [{ ...row, changed_at: changedAt, address_key: addressKey(one.address) }]),
      )
    },
    removeSince(member, contact, changedAt) {
      kept = kept.filter(
        (one) => one.member !== member || one.contact !== contact || one.changedAt < changedAt,
      )
      writes.push(bind(removeFormer, member, contact, changedAt))
    },
    endOf(member) {
      kept = kept.filter((one) => one.member !== member)
      writes.push(bind(endFormer, member))
    },
  }
  const held: UnitOfWork['recoveries'] = {
    get: (member) => pending.get(member),
    put(recovery) {
      pending.set(recovery.member, recovery)
      const { startedBy, startedAt, dueAt, ...row } = recovery
      const times = { started_by: startedBy, started_at: startedAt, due_at: dueAt }
      writes.push(bindRows(addRecovery, [{ ...row, ...times, address_key: addressKey(recovery.address) }]))
    },
    remove(member) {
      pending.delete(member)
      writes.push(bind(removeRecovery, member))
    },
  }
  return { formerContacts, recoveries: held, writes: () => writes }
}

export function formerContactOf(row: unknown): FormerContact {
  const { tenant, member, contact, address, country, changed_at } = row as FormerRow
  return { tenant, member, contact, address, country, changedAt: changed_at }
}

export function recoveryOf(row: unknown): Recovery {
  const { tenant, member, app, contact, address, country, locale, ...rest } = row as RecoveryRow
  const { started_by: startedBy, started_at: startedAt, due_at: dueAt } = rest
  return { tenant, member, app, contact, address, country, locale, startedBy, startedAt, dueAt }
}
