/** Proofs of logins, and fingerprints of calls that succeeded, in PostgreSQL, as units of work read and change them. */

import type { KeptCall } from '../once.ts'
import { storableJson } from '../storable.ts'
import type { UnitOfWork } from '../unit-of-work.ts'
import { byText } from './order.ts'
import { type Bound, bind, bindRows, engineTime, sql } from './statement.ts'

/** Proofs are not locked: whoever ends one locks the member first. */
const selectProofs = sql(`
  select to_json(p)
  from json_to_recordset($1::json) as wanted (member text, login text)
    join login_proof p on p.member = wanted.member and p.login = wanted.login
  where p.expires_at > ${engineTime}`)

const endProofs = sql(`
  with ended as (
    select p.member, p.login from json_array_elements_text($1::json) as wanted (member)
      join login_proof p on p.member = wanted.member
    order by p.member, p.login for update of p)
  delete from login_proof p using ended where p.member = ended.member and p.login = ended.login`)

const putProofs = sql(`
  insert into login_proof (member, login, expires_at)
  select member, login, expires_at
  from json_to_recordset($1::json) as r (member text, login text, expires_at bigint)
  on conflict (member, login) do update set expires_at = excluded.expires_at`)

const selectRepeats = sql(`
  select to_json(r.fingerprint) from json_array_elements_text($1::json) as wanted (fingerprint)
    join repeat r on r.fingerprint = wanted.fingerprint
  where r.expires_at > ${engineTime}`)

const putRepeats = sql(`
  insert into repeat (fingerprint, expires_at)
  select fingerprint, expires_at
  from json_to_recordset($1::json) as r (fingerprint text, expires_at bigint)
  on conflict do nothing`)

/** Those that have expired too, locked: only one call may take the place of such a row. */
const selectOnces = sql(`
  select json_build_object('key', o.key, 'fingerprint', o.fingerprint, 'result', o.result, 'endsAt', o.expires_at)
  from json_array_elements_text($1::json) as wanted (key) join once o on o.key = wanted.key
  order by o.key for update of o`)

/** Without `on conflict`: of two calls at once by one key the second is refused here, begins anew and finds the first. */
const insertOnces = sql(`
  insert into once (key, fingerprint, result, expires_at)
  select key, fingerprint, result, expires_at
  from json_to_recordset($1::json) as r (key text, fingerprint text, result json, expires_at bigint)`)

const updateOnces = sql(`
  update once o set fingerprint = r.fingerprint, result = r.result, expires_at = r.expires_at
  from json_to_recordset($1::json) as r (key text, fingerprint text, result json, expires_at bigint)
  where o.key = r.key`)

export type WantedProof = { readonly member: string; readonly login: string }

export function readProofs(wanted: readonly WantedProof[]): Bound {
  return bindRows(selectProofs, wanted)
}

export function readRepeats(fingerprints: ReadonlySet<string>): Bound {
  return bind(selectRepeats, storableJson([...fingerprints]))
}

export function readOnces(keys: ReadonlySet<string>): Bound {
  return bind(selectOnces, storableJson([...keys]))
}

const nameOf = ({ member, login }: WantedProof) => `${member}\0${login}`

/** @param found  Proofs that are still valid. */
export function heldProofs(found: readonly unknown[]) {
  const held = new Set((found as readonly WantedProof[]).map(nameOf))
  const put = new Map<string, { member: string; login: string; expires_at: number }>()
  const ended = new Set<string>()
  const proofs: UnitOfWork['proofs'] = {
    has: (member, login) => held.has(nameOf({ member, login })),
    put({ member, login, expiresAt }) {
      held.add(nameOf({ member, login }))
      put.set(nameOf({ member, login }), { member, login, expires_at: expiresAt })
    },
    endOf(member) {
      ended.add(member)
      for (const name of held) if (name.startsWith(nameOf({ member, login: '' }))) held.delete(name)
      for (const [name, one] of put) if (one.member === member) put.delete(name)
    },
  }
  return {
    proofs,
    writes: (): Bound[] => [
      ...(ended.size > 0 ? [bind(endProofs, storableJson([...ended].toSorted(byText)))] : []),
      ...(put.size > 0 ? [bindRows(putProofs, sorted(put))] : []),
    ],
  }
}

/** @param found  Fingerprints that have not expired. */
export function heldRepeats(found: readonly unknown[]) {
  const held = new Set(found as readonly string[])
  const put = new Map<string, { fingerprint: string; expires_at: number }>()
  const repeats: UnitOfWork['repeats'] = {
    has: (fingerprint) => held.has(fingerprint),
    put(fingerprint, expiresAt) {
      if (!put.has(fingerprint)) put.set(fingerprint, { fingerprint, expires_at: expiresAt })
      held.add(fingerprint)
    },
  }
  return { repeats, writes: (): Bound[] => (put.size > 0 ? [bindRows(putRepeats, sorted(put))] : []) }
}

type OnceRow = { key: string; fingerprint: string; result: object; expires_at: number }

/** @param found  Rows of `readOnces`. */
export function heldOnces(found: readonly unknown[], now: number) {
  const rows = found as readonly { key: string; fingerprint: string; result: object; endsAt: number }[]
  const held = new Map<string, KeptCall>(rows.filter((one) => one.endsAt > now).map((one) => [one.key, one]))
  const there = new Set(rows.map((one) => one.key))
  const inserted = new Map<string, OnceRow>()
  const replaced = new Map<string, OnceRow>()
  const onces: UnitOfWork['onces'] = {
    get: (key) => held.get(key),
    put({ key, fingerprint }, result, expiresAt) {
      held.set(key, { fingerprint, result })
      ;(there.has(key) ? replaced : inserted).set(key, { key, fingerprint, result, expires_at: expiresAt })
    },
  }
  return {
    onces,
    writes: (): Bound[] => [
      ...(replaced.size > 0 ? [bindRows(updateOnces, sorted(replaced))] : []),
      ...(inserted.size > 0 ? [bindRows(insertOnces, sorted(inserted))] : []),
    ],
  }
}

function sorted<T>(rows: ReadonlyMap<string, T>): T[] {
  return [...rows].toSorted(([a], [b]) => byText(a, b)).map(([, row]) => row)
}
