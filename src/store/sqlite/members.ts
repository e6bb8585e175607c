/** Changes of members in SQLite by units of work. */

import type { DatabaseSync } from 'node:sqlite'
import { addressKey } from '../../address/address.ts'
import type { Member } from '../../directory/directory.ts'
import type { UnitOfWork } from '../unit-of-work.ts'
import { openListings } from './listings.ts'
import { memberOf, type Row } from './rows.ts'

export function openMembers(db: DatabaseSync, unitNow: () => number): UnitOfWork['members'] {
  const one = (where: string) => {
    const select = db.prepare(`select * from member where ${where}`)
    return (...values: string[]): Member | undefined => {
      const row = select.get(...values) as Row | undefined
      return row && memberOf(row)
    }
  }
  const byPhone = one('tenant = ? and phone_key = ?')
  const byEmail = one('tenant = ? and email_key = ?')
  const upsert = db.prepare(
    `insert into member (id, tenant, account, password_hash, role, is_disabled, profile, dept_code, phone_key, phone,
       phone_country, email_key, email, created_at, third_account, sort_level, hides_phone, must_change_password,
       contact_barred_until)
     values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
     on conflict (id) do update set account = excluded.account, password_hash = excluded.password_hash,
       role = excluded.role, is_disabled = excluded.is_disabled, profile = excluded.profile,
       dept_code = excluded.dept_code, phone_key = excluded.phone_key, phone = excluded.phone,
       phone_country = excluded.phone_country, email_key = excluded.email_key, email = excluded.email,
       third_account = excluded.third_account, sort_level = excluded.sort_level, hides_phone = excluded.hides_phone,
       must_change_password = excluded.must_change_password, contact_barred_until = excluded.contact_barred_until`,
  )
  const listings = openListings(db)
  const remove = db.prepare('delete from member where id = ?')
  const keepFormer = db.prepare(
    `insert into former_member (id, tenant, account, contacts, deleted_at) values (?, ?, ?, ?, ?)
     on conflict (id) do update set account = excluded.account, contacts = excluded.contacts,
       deleted_at = excluded.deleted_at, due_at = 0`,
  )
  const anyIn = db.prepare('select 1 from member where tenant = ? and dept_code = ? limit 1')
  return {
    get: one('id = ?'),
    byAccount: one('tenant = ? and account = ?'),
    byThirdAccount: one('tenant = ? and third_account = ?'),
    byLogin: one('account = ? and password_hash is not null'),
    byAddress: (tenant, address) =>
      (address.kind === 'phone' ? byPhone : byEmail)(tenant, addressKey(address)),
    put(next) {
      const { phone, email, ...member } = next
      upsert.run(
        member.id,
        member.tenant,
        member.account,
        member.passwordHash,
        member.role,
        Number(member.isDisabled),
        JSON.stringify(member.profile),
        member.deptCode,
        phone && addressKey(phone),
        phone && JSON.stringify(phone),
        member.phoneCountry,
        email && addressKey(email),
        email && JSON.stringify(email),
        member.createdAt,
        member.thirdAccount,
        member.sortLevel,
        Number(member.hidesPhone),
        Number(member.mustChangePassword),
        member.contactBarredUntil,
      )
      listings.put(next)
    },
    remove({ id, tenant, account }, contacts) {
      remove.run(id)
      listings.remove(id)
      keepFormer.run(id, tenant, account, JSON.stringify(contacts), unitNow())
    },
    areIn: (tenant, code) => anyIn.get(tenant, code) !== undefined,
  }
}

export function openTokens(db: DatabaseSync): UnitOfWork['tokens'] {
  const end = db.prepare('delete from token where member = ?')
  return { endOf: (member) => void end.run(member) }
}
