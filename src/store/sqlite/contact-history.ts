/** Former contacts and recoveries in SQLite. */

import type { DatabaseSync } from 'node:sqlite'
import { type Address, addressKey } from '../../address/address.ts'
import type { FormerContact, Recovery } from '../../directory/contact-history.ts'
import type { UnitOfWork } from '../unit-of-work.ts'
import type { Row } from './rows.ts'

export function openFormerContacts(db: DatabaseSync): UnitOfWork['formerContacts'] {
  const select = db.prepare('select * from former_contact where member = ? order by changed_at')
  const insert = db.prepare('insert into former_contact values (?, ?, ?, ?, ?, ?, ?) on conflict do nothing')
  const remove = db.prepare('delete from former_contact where member = ? and contact = ? and changed_at >= ?')
  const removeAll = db.prepare('delete from former_contact where member = ?')
  return {
    of: (member) => (select.all(member) as Row[]).map(formerOf),
    add({ tenant, member, contact, changedAt, address, country }) {
      insert.run(tenant, member, contact, changedAt, addressKey(address), JSON.stringify(address), country)
    },
    removeSince: (member, contact, changedAt) => void remove.run(member, contact, changedAt),
    endOf: (member) => void removeAll.run(member),
  }
}

export function openRecoveries(db: DatabaseSync): UnitOfWork['recoveries'] {
  const select = db.prepare('select * from recovery where member = ?')
  const insert = db.prepare('insert into recovery values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)')
  const remove = db.prepare('delete from recovery where member = ?')
  return {
    get(member) {
      const row = select.get(member) as Row | undefined
      return row && recoveryOf(row)
    },
    put({ member, tenant, app, contact, address, country, locale, startedBy, startedAt, dueAt }) {
      const [key, json] = [addressKey(address), JSON.stringify(address)]
      insert.run(member, tenant, app, contact, key, json, country, locale, startedBy, startedAt, dueAt)
    },
    remove: (member) => void remove.run(member),
  }
}

/** @param now  Engine time. */
export function contactHistoryReads(db: DatabaseSync, now: () => number) {
  const former = db.prepare('select * from former_contact where address_key = ? order by changed_at desc')
  // From the few recoveries, because members are found by an address only within a tenant.
  const ofMembers = (column: string) =>
    db.prepare(`select r.* from recovery r cross join member m on m.id = r.member where m.${column} = ?`)
  const [ofPhone, ofEmail] = [ofMembers('phone_key'), ofMembers('email_key')]
  const formerOfOne = db.prepare('select * from former_contact where member = ? order by changed_at')
  const recoveryOfOne = db.prepare('select * from recovery where member = ?')
  const due = db.prepare('select * from recovery where due_at <= ? order by due_at limit ?')
  return {
    undoable(address: Address) {
      const key = addressKey(address)
      const recoveries = (address.kind === 'phone' ? ofPhone : ofEmail).all(key) as Row[]
      return { former: (former.all(key) as Row[]).map(formerOf), recoveries: recoveries.map(recoveryOf) }
    },
    contactHistory: (member: string) => ({
      former: (formerOfOne.all(member) as Row[]).map(formerOf),
      recoveries: (recoveryOfOne.all(member) as Row[]).map(recoveryOf),
    }),
    dueRecoveries: (most: number) => (due.all(now(), most) as Row[]).map(recoveryOf),
  }
}

function formerOf(row: Row): FormerContact {
  const { tenant, member, contact, changed_at, address, country } = row
  return {
    tenant,
    member,
    contact,
    address: JSON.parse(address as string),
    country,
    changedAt: changed_at,
  } as FormerContact
}

function recoveryOf(row: Row): Recovery {
  const { tenant, member, app, contact, address, country, locale, started_by, started_at, due_at } = row
  return {
    ...{ tenant, member, app, contact, address: JSON.parse(address as string), country, locale },
    ...{ startedBy: started_by, startedAt: started_at, dueAt: due_at },
  } as Recovery
}
