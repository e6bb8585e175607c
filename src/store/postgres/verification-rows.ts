/** Verifications in PostgreSQL, with proofs and repeats: held under lock by a batch, written at once. */

import type { VerificationKey } from '../../verification/verification.ts'
import { type StateNumber, stateNumber } from '../numbering.ts'
import { storableJson } from '../storable.ts'
import { byText, inOrder } from './order.ts'
import type { VerificationRow } from './rows.ts'
import { type Bound, bind, bindRows, engineTime, sql } from './statement.ts'

/**
 * By id, by key where one is live, and the live ones of members, all in one statement: locked in two, the order
 * would be one within each. A row that ended while it was waited for comes back as it is then. The limits keep
 * the planner from going through all live ones and comparing each with each wanted: 23 ms for 96, not 1.
 */
const selectVerifications = sql(`
  select to_json(v)
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
  order by v.id for update of v`)

export const rowType = `(id text, tenant text, app text, member text, address text, purpose text, key_id text,
  digits integer, state integer, issued_at bigint, expires_at bigint, submissions integer,
  is_test boolean, used_at bigint)`

/** No `on conflict`: a batch that found no live one, and meets one here, begins anew and finds it. */
const insertVerifications = sql(`
  insert into verification (id, tenant, app, member, address, purpose, key_id, digits, state, issued_at,
    expires_at, submissions, is_test, used_at)
  select * from json_to_recordset($1::json) as r ${rowType}`)

const updateVerifications = sql(`
  update verification v set state = r.state, submissions = r.submissions, used_at = r.used_at
  from json_to_recordset($1::json) as r (id text, state integer, submissions integer, used_at bigint)
  where v.id = r.id`)

/**
 * Counted on where there is no record, so that an unknown address costs a row and a flush as a known one does
 * . A row for each connection: one for all would make every unknown address wait for every other.
 */
const countDecoy = sql(`
  insert into verification values
    ($1, 'decoy', repeat('0', 32), repeat('0', 32), 'tel:+000000000000', 'new-contact', repeat('0', 16), 6,
      ${stateNumber.dead}, $2::bigint, 0, 1, false, null)
  on conflict (id) do update
    set submissions = verification.submissions + 1, issued_at = excluded.issued_at`)

const putProofs = sql(`
  insert into login_proof (member, login, expires_at)
  select member, login, expires_at
  from json_to_recordset($1::json) as r (member text, login text, expires_at bigint)
  on conflict (member, login) do update set expires_at = excluded.expires_at`)

const putRepeats = sql(`
  insert into repeat (fingerprint, expires_at)
  select fingerprint, expires_at
  from json_to_recordset($1::json) as r (fingerprint text, expires_at bigint)
  on conflict do nothing`)

const selectRepeats = sql(`
  select to_json(r.fingerprint) from json_array_elements_text($1::json) as wanted (fingerprint)
    join repeat r on r.fingerprint = wanted.fingerprint
  where r.expires_at > ${engineTime}`)

/** Ids that begin so are no verification's: every real one begins with its time. */
export const decoyPrefix = '0'.repeat(12)

/** A clock set back must not give a code its life anew: one of a later time than now is over, give or take. */
const clockSlackMs = 2_000

export type HeldVerifications = ReturnType<typeof heldVerifications>

type Kept = { row: VerificationRow; isNew: boolean; isDirty: boolean }
type ProofRow = { member: string; login: string; expires_at: number }

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
    storableJson([...keys]),
    storableJson([...members]),
  )
}

export function readRepeats(fingerprints: ReadonlySet<string>): Bound {
  return bind(selectRepeats, storableJson([...fingerprints]))
}

export function keyOf({ tenant, app, member, address, purpose }: VerificationKey): string {
  // A NUL stands in none of them, for no column can hold one.
  return `${member}\0${address}\0${purpose}\0${app}\0${tenant}`
}

/** @param decoy  Of this connection. */
export function heldVerifications(rows: readonly unknown[], repeated: readonly unknown[], decoy: string) {
  const byId = new Map<string, Kept>()
  const live = new Map<string, Kept>()
  const proofs = new Map<string, ProofRow>()
  const repeats = new Map<string, number>()
  const known = new Set(repeated as readonly string[])
  let decoyAt: number | undefined
  for (const row of rows as readonly VerificationRow[]) {
    const kept = { row, isNew: false, isDirty: false }
    byId.set(row.id, kept)
    if (row.state === stateNumber.live) live.set(keyOf(row), kept)
  }

  function change(kept: Kept, part: Partial<VerificationRow>): void {
    Object.assign(kept.row, part)
    kept.isDirty = true
    if (kept.row.state !== stateNumber.live && live.get(keyOf(kept.row)) === kept)
      live.delete(keyOf(kept.row))
  }

  return {
    /** The one that is alive; one that ran out is marked so. */
    live(key: VerificationKey, at: number): VerificationRow | undefined {
      const kept = live.get(keyOf(key))
      if (!kept) return undefined
      if (isAlive(kept.row, at)) return kept.row
      change(kept, { state: stateNumber.expired })
      return undefined
    },

    get: (id: string): VerificationRow | undefined => byId.get(id)?.row,

    /** Whether a submission that was counted may still use it. */
    usable(id: string, at: number): VerificationRow | undefined {
      const row = byId.get(id)?.row
      const mayBe = row?.state === stateNumber.live || row?.state === stateNumber.spent
      return row && mayBe && isAlive(row, at) ? row : undefined
    },

    add(row: VerificationRow): void {
      const kept = { row, isNew: true, isDirty: false }
      // Made twice in one batch: both are written, and the key refuses the second.
      byId.set(byId.has(row.id) ? `${row.id} again` : row.id, kept)
      live.set(keyOf(row), kept)
    },

    change: (id: string, part: { state?: StateNumber; submissions?: number; used_at?: number }): void =>
      change(byId.get(id)!, part),

    /** The live ones of a member end. */
    endLiveOf(tenant: string, member: string): void {
      for (const kept of [...live.values()])
        if (kept.row.tenant === tenant && kept.row.member === member)
          change(kept, { state: stateNumber.dead })
    },

    /** Locked, read and counted on like a real one; made only the first time. */
    countDecoy(at: number): void {
      const kept = byId.get(decoy)
      if (kept) change(kept, { submissions: (kept.row.submissions + 1) % 1_000_000 })
      else decoyAt = at
    },

    putProof(row: ProofRow): void {
      proofs.set(`${row.member}\0${row.login}`, row)
    },

    hasRepeat: (fingerprint: string): boolean => known.has(fingerprint),

    putRepeat(fingerprint: string, expiresAt: number): void {
      if (!repeats.has(fingerprint)) repeats.set(fingerprint, expiresAt)
    },

    writes(): Bound[] {
      const all = [...byId.values()]
      const made = all.filter((one) => one.isNew).map((one) => one.row)
      const changed = all
        .filter((one) => one.isDirty && !one.isNew)
        .map(({ row: { id, state, submissions, used_at } }) => ({ id, state, submissions, used_at }))
      const writes: Bound[] = []
      if (changed.length > 0) writes.push(bindRows(updateVerifications, changed))
      if (made.length > 0) writes.push(bindRows(insertVerifications, inOrder(made, keyOf)))
      if (proofs.size > 0) writes.push(bindRows(putProofs, sorted(proofs)))
      if (repeats.size > 0)
        writes.push(
          bindRows(
            putRepeats,
            sorted(new Map([...repeats].map(([name, at]) => [name, { fingerprint: name, expires_at: at }]))),
          ),
        )
      if (decoyAt !== undefined) writes.push(bind(countDecoy, decoy, decoyAt))
      return writes
    },
  }
}

function isAlive(row: VerificationRow, at: number): boolean {
  return row.expires_at > at && row.issued_at <= at + clockSlackMs
}

function sorted<T>(rows: ReadonlyMap<string, T>): T[] {
  return [...rows].toSorted(([a], [b]) => byText(a, b)).map(([, row]) => row)
}
