/** Throttle limiters in SQLite: read on demand, and written once at the end of the engine's transaction. */

import type { DatabaseSync } from 'node:sqlite'
import type { LimiterForm, LimiterState } from '../../throttle/limiter-state.ts'
import type { OpenLimiters } from '../../throttle/open-limiters.ts'

type SqliteLimiters = OpenLimiters & {
  flush(): void
  discard(): void
}

type Kept = { form: LimiterForm; numbers: LimiterState; forgottenAt: number; isDirty: boolean }

/**
 * Turns `kind:subject` into `subject:kind`, so that the limiters of one member, address or network are on one page: an
 * issue under all limits wrote five scattered pages before, and now writes three.
 */
export function limiterRow(key: string): string {
  const end = key.indexOf(':')
  return `${key.slice(end + 1)}:${key.slice(0, Math.max(0, end))}`
}

/** Turns `subject:kind` back into `kind:subject`. A kind has no colon, a subject may have some. */
export function keyOfRow(row: string): string {
  const end = row.lastIndexOf(':')
  return `${row.slice(end + 1)}:${row.slice(0, end)}`
}

/**
 * Keeps the limiters of a transaction in memory until `flush` writes them, so that one that many calls of a turn share (an
 * app's bucket, a network) is read and written once in each commit.
 */
export function sqliteLimiters(db: DatabaseSync): SqliteLimiters {
  const select = db.prepare('select form, numbers, forgotten_at from ledger where key = ?')
  const upsert = db.prepare(
    `insert into ledger values (?, ?, ?, ?)
     on conflict do update set numbers = excluded.numbers, forgotten_at = excluded.forgotten_at`,
  )
  const remove = db.prepare('delete from ledger where key = ?')
  const touched = new Map<string, Kept>()

  function read(key: string): Kept | undefined {
    const known = touched.get(key)
    if (known) return known
    const row = select.get(limiterRow(key)) as
      | { form: LimiterForm; numbers: Uint8Array; forgotten_at: number }
      | undefined
    if (!row) return undefined
    const kept = {
      form: row.form,
      numbers: unpack(row.numbers),
      forgottenAt: row.forgotten_at,
      isDirty: false,
    }
    touched.set(key, kept)
    return kept
  }

  return {
    read: (key) => read(key)?.numbers,
    forgottenAt: (key) => read(key)?.forgottenAt,
    put(key, form, numbers, forgottenAt) {
      touched.set(key, { form, numbers, forgottenAt, isDirty: true })
    },

    flush(): void {
      for (const [key, kept] of touched)
        if (kept.isDirty) {
          if (kept.numbers.length === 0) remove.run(limiterRow(key))
          else upsert.run(limiterRow(key), kept.form, pack(kept.numbers), Math.ceil(kept.forgottenAt))
        }
      touched.clear()
    },

    discard(): void {
      touched.clear()
    },
  }
}

export function pack(numbers: LimiterState): Uint8Array {
  return new Uint8Array(Float64Array.from(numbers).buffer)
}

export function unpack(bytes: Uint8Array): number[] {
  // A copy, because the address of SQLite's bytes need not be a multiple of eight.
  return [...new Float64Array(bytes.slice().buffer)]
}
