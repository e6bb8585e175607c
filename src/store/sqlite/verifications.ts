/** Verifications in SQLite, with proofs and repeats: the changes of units of work, and look-ups. */

import type { DatabaseSync } from 'node:sqlite'
import { asCallersSee, type StoredVerification } from '../../verification/stored-verification.ts'
import type { Purpose, Verification, VerificationKey } from '../../verification/verification.ts'
import { searchRows } from '../bounds.ts'
import { idAt, stateNumber, stateOfNumber } from '../numbering.ts'
import type { UnitOfWork } from '../unit-of-work.ts'
import type { FoundVerifications, Verifications } from '../verifications.ts'
import { detailsIn, type Row, storedOf, verificationOf } from './rows.ts'

/** The id of the decoy. It sorts before every real id, because those begin with their time. */
export const decoyId = '0'.repeat(44)

const afterAllIds = 'g'

/** What a verification has beside its key; `keyIn` and `recordOf` go by the order of both. */
const ownColumns = 'id, key_id, digits, state, issued_at, expires_at, submissions, used_at, is_test, details'
const keyColumns = 'tenant, app, member, address, purpose'

export function openVerifications(db: DatabaseSync): UnitOfWork['verifications'] {
  const selectLive = db.prepare(
    `select ${ownColumns} from verification
     where member = ? and address = ? and purpose = ? and app = ? and tenant = ? and state = 0`,
  )
  const selectLiveOf = db.prepare('select * from verification where member = ? and tenant = ? and state = 0')
  const select = db.prepare(`select ${ownColumns}, ${keyColumns} from verification where id = ?`)
  // As arrays a row costs half of what it costs as an object.
  selectLive.setReturnArrays(true)
  select.setReturnArrays(true)
  const columns = `id, tenant, app, member, address, purpose, key_id, digits, state, issued_at, expires_at, submissions,
    is_test, used_at`
  const insert = db.prepare(
    `insert into verification (${columns}) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  )
  // By itself, as each value to bind takes a tenth of a microsecond.
  const insertDetailed = db.prepare(
    `insert into verification (${columns}, details) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  )
  // The state is left out, because writing it would write an index too.
  const setCounts = db.prepare('update verification set submissions = ?, used_at = ? where id = ?')
  const setAll = db.prepare('update verification set state = ?, submissions = ?, used_at = ? where id = ?')
  const setLife = db.prepare('update verification set state = ?, issued_at = ?, expires_at = ? where id = ?')
  const countDecoy = db.prepare('update verification set submissions = submissions + 1 where id = ?')
  db.prepare(
    `insert into verification (${columns})
     values (?, '', '', ?, 'tel:+000000000000', 'new-contact', ?, 6, 2, 0, 0, 0, 0, null)
     on conflict do nothing`,
  ).run(decoyId, '0'.repeat(32), '0'.repeat(16))

  return {
    get(id) {
      const row = select.get(id) as unknown as Values | undefined
      return row && recordOf(row, keyIn(row))
    },

    live(key) {
      const { subject, address, purpose, app, tenant } = key
      const row = selectLive.get(subject, address, purpose, app, tenant) as unknown as Values | undefined
      return row && recordOf(row, key)
    },

    liveOf: (tenant, subject) => (selectLiveOf.all(subject, tenant) as Row[]).map(storedOf),

    add(record) {
      const values = [
        record.id,
        record.tenant,
        record.app,
        record.subject,
        record.address,
        record.purpose,
        record.keyId,
        record.digits,
        stateNumber[record.state],
        record.issuedAt,
        record.expiresAt,
        record.submissions,
        Number(record.isTest),
        record.usedAt,
      ]
      if (record.details === null) insert.run(...values)
      else insertDetailed.run(...values, JSON.stringify(record.details))
    },

    change(record, change) {
      const next: StoredVerification = { ...record, ...change }
      const { id, state, submissions, usedAt, issuedAt, expiresAt } = next
      if (change.issuedAt !== undefined) setLife.run(stateNumber[state], issuedAt, expiresAt, id)
      else if (change.state === undefined) setCounts.run(submissions, usedAt, id)
      else setAll.run(stateNumber[state], submissions, usedAt, id)
      return next
    },

    countDecoy() {
      const row = select.get(decoyId) as unknown as Values
      countDecoy.run(decoyId)
      return asCallersSee(recordOf(row, keyIn(row)))
    },
  }
}

type Values = readonly (string | number | null)[]

function recordOf(
  values: Values,
  { tenant, app, subject, address, purpose }: VerificationKey,
): StoredVerification {
  return {
    id: values[0] as string,
    tenant,
    app,
    subject,
    address,
    purpose,
    keyId: values[1] as string,
    digits: values[2] as number,
    state: stateOfNumber[values[3] as number]!,
    issuedAt: values[4] as number,
    expiresAt: values[5] as number,
    submissions: values[6] as number,
    usedAt: values[7] as number | null,
    isTest: values[8] === 1,
    details: detailsIn(values[9]),
  }
}

function keyIn(values: Values): VerificationKey {
  const [tenant, app, subject, address, purpose] = values.slice(10) as [
    string,
    string,
    string,
    string,
    Purpose,
  ]
  return { tenant, app, subject, address, purpose }
}

/** @param now  Engine time of the unit. */
export function openProofs(db: DatabaseSync, now: () => number): UnitOfWork['proofs'] {
  const select = db.prepare('select 1 from login_proof where member = ? and login = ? and expires_at > ?')
  const put = db.prepare(
    'insert into login_proof values (?, ?, ?) on conflict do update set expires_at = excluded.expires_at',
  )
  const end = db.prepare('delete from login_proof where member = ?')
  return {
    has: (member, login) => select.get(member, login, now()) !== undefined,
    put: ({ member, login, expiresAt }) => void put.run(member, login, expiresAt),
    endOf: (member) => void end.run(member),
  }
}

export function openRepeats(db: DatabaseSync, now: () => number): UnitOfWork['repeats'] {
  const select = db.prepare('select 1 from repeat where fingerprint = ? and expires_at > ?')
  const put = db.prepare('insert into repeat values (?, ?) on conflict do nothing')
  return {
    has: (fingerprint) => select.get(fingerprint, now()) !== undefined,
    put: (fingerprint, expiresAt) => void put.run(fingerprint, expiresAt),
  }
}

export function openOnces(db: DatabaseSync, now: () => number): UnitOfWork['onces'] {
  const select = db.prepare('select fingerprint, result from once where key = ? and expires_at > ?')
  const put = db.prepare(
    `insert into once (key, fingerprint, result, expires_at) values (?, ?, ?, ?)
     on conflict do update set fingerprint = excluded.fingerprint, result = excluded.result,
       expires_at = excluded.expires_at`,
  )
  return {
    get(key) {
      const row = select.get(key, now()) as { fingerprint: string; result: string } | undefined
      return row && { fingerprint: row.fingerprint, result: JSON.parse(row.result) as object }
    },
    put: ({ key, fingerprint }, result, expiresAt) =>
      void put.run(key, fingerprint, JSON.stringify(result), expiresAt),
  }
}

type ListQuery = Parameters<Verifications['list']>[0]

/** Look-ups without a unit of work. */
export function verificationReads(db: DatabaseSync) {
  const select = db.prepare('select * from verification where id = ?')
  const endOfSearch = db.prepare(
    `select id from verification where id < ? and id >= ? order by id desc limit 1 offset ${searchRows - 1}`,
  )
  const selectByAddress = db.prepare(
    'select * from verification where id < ? and id >= ? and +address = ? order by id desc',
  )
  const selectListed = db.prepare(
    `select * from verification
     where id < :before and id >= :from and +app = :app and details is not null
       and (:subject is null or +member = :subject) and (:address is null or +address = :address)
     order by id desc limit :max`,
  )
  const countLive = db.prepare('select count(*) as live from verification where state = 0') // index only
  return {
    get(id: string): Verification | undefined {
      const row = id === decoyId ? undefined : (select.get(id) as Row | undefined)
      return row && verificationOf(row)
    },

    find(query: { address: string; sinceMs: number; before?: string }): FoundVerifications {
      const from = idAt(query.sinceMs)
      const before = query.before ?? afterAllIds
      const end = endOfSearch.get(before, from)?.id as string | undefined
      const rows = selectByAddress.all(before, end ?? from, query.address) as Row[]
      return { found: rows.map(verificationOf), next: end ?? null }
    },

    list(query: ListQuery): FoundVerifications {
      const { app, subject = null, address = null, max } = query
      const from = idAt(query.sinceMs)
      const before = query.before ?? afterAllIds
      const end = endOfSearch.get(before, from)?.id as string | undefined
      const found = selectListed.all({ before, from: end ?? from, app, subject, address, max }) as Row[]
      const next = found.length === max ? (found.at(-1)!.id as string) : (end ?? null)
      return { found: found.map(verificationOf), next }
    },

    countLive: (): number => (countLive.get() as { live: number }).live,
  }
}
