/** Verifications in PostgreSQL: locked by a unit of work, and written together. */

import type { StoredVerification, VerificationChange } from '../../verification/stored-verification.ts'
import type { VerificationKey } from '../../verification/verification.ts'
import { stateNumber } from '../numbering.ts'
import { storableJson } from '../storable.ts'
import type { UnitOfWork } from '../unit-of-work.ts'
import { inOrder } from './order.ts'
import { readVerification, rowOf, verificationColumns } from './rows.ts'
import { type Bound, bind, bindRows, sql } from './statement.ts'

/**
 * Locks rows by id, live ones by key, and all live ones of members, in one statement: two statements would have an order of
 * locks each. A row that ended during the wait for its lock comes back in its new state. The limits keep the planner from
 * comparing all live rows with all wanted ones, which took 23 ms for 96 rows instead of 1.
 */
const selectVerifications = sql(
  `
  select ${verificationColumns}
  from (
    select json_array_elements_text($1::json) as id
    union
    select l.id
    from json_to_recordset($2::json) as k (tenant text, app text, member text, address text, purpose text,
      otherwise text)
    cross join lateral (
      select coalesce((
        select one.id from verification one
        where one.member = k.member and one.address = k.address and one.purpose = k.purpose
          and one.app = k.app and one.tenant = k.tenant and one.state = ${stateNumber.live} limit 1),
        k.otherwise) as id) l
    union
    select l.id from json_to_recordset($3::json) as m (tenant text, member text)
    cross join lateral (
      select one.id from verification one
      where one.member = m.member and one.tenant = m.tenant and one.state = ${stateNumber.live} limit 1000) l
  ) as wanted
  join verification v on v.id = wanted.id
  order by v.id for update of v`,
  readVerification,
)

export const rowType = `(id text, tenant text, app text, member text, address text, purpose text, key_id text,
  digits integer, state integer, issued_at bigint, expires_at bigint, submissions integer,
  is_test boolean, used_at bigint, details json)`

/** Without `on conflict`: a batch that found no live row, and is refused here by one, begins anew and finds it. */
const insertVerifications = sql(`
  insert into verification (id, tenant, app, member, address, purpose, key_id, digits, state, issued_at,
    expires_at, submissions, is_test, used_at, details)
  select * from json_to_recordset($1::json) as r ${rowType}`)

const updateVerifications = sql(`
  update verification v set state = r.state, submissions = r.submissions, used_at = r.used_at
  from json_to_recordset($1::json) as r (id text, state integer, submissions integer, used_at bigint)
  where v.id = r.id`)

/** Begins the lives of verifications that were held. */
const updateLives = sql(`
  update verification v set state = r.state, issued_at = r.issued_at, expires_at = r.expires_at
  from json_to_recordset($1::json) as r (id text, state integer, issued_at bigint, expires_at bigint)
  where v.id = r.id`)

/**
 * Counts on the decoy if there is no record, so that an unknown address costs a row and a flush like a known one.
 * There is a row for each lane, because with a single one all unknown addresses would wait for each other.
 */
const countDecoy = sql(`
  insert into verification values
    ($1, 'decoy', repeat('0', 32), repeat('0', 32), 'tel:+000000000000', 'new-contact', repeat('0', 16), 6,
      ${stateNumber.dead}, $2::bigint, 0, 1, false, null)
  on conflict (id) do update
    set submissions = verification.submissions + 1, issued_at = excluded.issued_at`)

/** The beginning of decoys' ids. No verification's id begins so, because it begins with a time. */
export const decoyPrefix = '0'.repeat(12)

type Kept = { record: StoredVerification; isNew: boolean; isDirty: boolean; isBegun?: boolean }

/** `otherwise`: the id to read and lock where no verification is live for the key. */
export type WantedKey = VerificationKey & { readonly otherwise?: string }

export function readVerifications(
  ids: ReadonlySet<string>,
  keys: Iterable<WantedKey>,
  members: Iterable<{ tenant: string; member: string }>,
): Bound {
  return bind(
    selectVerifications,
    storableJson([...ids]),
    storableJson([...keys].map(({ subject, ...key }) => ({ ...key, member: subject }))),
    storableJson([...members]),
  )
}

export function keyOf({ tenant, app, subject, address, purpose }: VerificationKey): string {
  // No part has a NUL, because no column can hold one.
  return `${subject}\0${address}\0${purpose}\0${app}\0${tenant}`
}

/** @param decoy  The id of this connection's decoy. */
export function heldVerifications(rows: readonly unknown[], now: number, decoy: string) {
  const byId = new Map<string, Kept>()
  const live = new Map<string, Kept>()
  let isDecoyNew = false
  for (const record of rows as readonly StoredVerification[]) {
    const kept = { record, isNew: false, isDirty: false }
    byId.set(record.id, kept)
    if (record.state === 'live') live.set(keyOf(record), kept)
  }

  function change(kept: Kept, part: VerificationChange): StoredVerification {
    kept.record = { ...kept.record, ...part }
    kept.isDirty = true
    if (part.issuedAt !== undefined) kept.isBegun = true
    const { record } = kept
    if (record.state === 'live') live.set(keyOf(record), kept)
    else if (live.get(keyOf(record)) === kept) live.delete(keyOf(record))
    return record
  }

  const verifications: UnitOfWork['verifications'] = {
    get: (id) => byId.get(id)?.record,
    live: (key) => live.get(keyOf(key))?.record,
    liveOf: (tenant, subject) =>
      [...live.values()]
        .map(({ record }) => record)
        .filter((record) => record.tenant === tenant && record.subject === subject),
    add(record) {
      const kept = { record, isNew: true, isDirty: false }
      // If a batch makes one twice, both are written, and the primary key refuses the second.
      byId.set(byId.has(record.id) ? `${record.id} again` : record.id, kept)
      if (record.state === 'live') live.set(keyOf(record), kept)
    },
    change: (record, part) => change(byId.get(record.id)!, part),
    countDecoy() {
      // The decoy is locked, read and counted on like a real row; it is made the first time only.
      const kept = byId.get(decoy)
      if (kept) change(kept, { submissions: (kept.record.submissions + 1) % 1_000_000 })
      else isDecoyNew = true
      return undefined
    },
  }
  return {
    verifications,
    writes(): Bound[] {
      const all = [...byId.values()]
      const made = all.filter((one) => one.isNew).map((one) => one.record)
      const changed = all
        .filter((one) => one.isDirty && !one.isNew && !one.isBegun)
        .map(({ record: { id, state, submissions, usedAt } }) => ({
          id,
          state: stateNumber[state],
          submissions,
          used_at: usedAt,
        }))
      // After the others: one that was live for the same key has ended by then.
      const begun = all
        .filter((one) => one.isBegun && !one.isNew)
        .map(({ record: { id, state, issuedAt, expiresAt } }) => ({
          id,
          state: stateNumber[state],
          issued_at: issuedAt,
          expires_at: expiresAt,
        }))
      return [
        ...(changed.length > 0 ? [bindRows(updateVerifications, changed)] : []),
        ...(begun.length > 0 ? [bindRows(updateLives, begun)] : []),
        ...(made.length > 0 ? [bindRows(insertVerifications, inOrder(made, keyOf).map(rowOf))] : []),
      ]
    },
    /** The writes that are locked last. */
    decoyWrites: (): Bound[] => (isDecoyNew ? [bind(countDecoy, decoy, now)] : []),
  }
}
