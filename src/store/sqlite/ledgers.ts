/** Throttle ledgers in SQLite: read, decide and write within the engine's transaction. */

import type { DatabaseSync } from 'node:sqlite'
import type { Ledger, LedgerForm } from '../../throttle/ledger.ts'
import {
  type OpenLedgers,
  type ReservationResult,
  reserve,
  type SettledReservation,
  settle,
} from '../../throttle/reservation.ts'
import { decideTakes, giveBack, type Take, type Taking, type Throttled } from '../../throttle/take.ts'

export type SqliteLedgers = ReturnType<typeof sqliteLedgers>

type Kept = { form: LedgerForm; numbers: Ledger; forgottenAt: number; isDirty: boolean }

/**
 * `kind:subject` as `subject:kind`, so that the ledgers of one member, address or network lie on one page:
 * an issue under all limits wrote five scattered pages, now three.
 */
export function ledgerRow(key: string): string {
  const end = key.indexOf(':')
  return `${key.slice(end + 1)}:${key.slice(0, Math.max(0, end))}`
}

/** The other way round: a kind has no colon, a subject may have some. */
export function keyOfRow(row: string): string {
  const end = row.lastIndexOf(':')
  return `${row.slice(end + 1)}:${row.slice(0, end)}`
}

/**
 * Ledgers touched within a transaction are kept in memory until `flush` writes them, so that what
 * many calls of one turn share (an app's bucket, a network) is read and written once a commit.
 */
export function sqliteLedgers(db: DatabaseSync) {
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
    const row = select.get(ledgerRow(key)) as
      | { form: LedgerForm; numbers: Uint8Array; forgotten_at: number }
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

  const open: OpenLedgers = {
    read: (key) => read(key)?.numbers,
    put(key, form, numbers, forgottenAt) {
      touched.set(key, { form, numbers, forgottenAt, isDirty: true })
    },
  }

  return {
    reserve: (takes: readonly Take[], now: number): ReservationResult => reserve(open, takes, now),
    settle: (settled: SettledReservation, now: number): void => settle(open, settled, now),
    isHeld: (key: string, now: number): boolean => (read(key)?.forgottenAt ?? 0) > now,

    take(takes: readonly Take[], now: number): Throttled | { kind: 'taken' } {
      const decision = decideTakes(
        takes,
        takes.map((take) => read(take.key)?.numbers),
        now,
      )
      if (decision.kind === 'throttled') return decision
      for (const [i, take] of takes.entries()) {
        const next = decision.ledgers[i]
        if (!next) continue
        const { ledger, forgottenAt } = next
        touched.set(take.key, { form: take.form, numbers: ledger, forgottenAt, isDirty: true })
      }
      return { kind: 'taken' }
    },

    giveBack(takings: readonly Taking[]): void {
      for (const taking of takings) {
        const kept = read(taking.key)
        if (!kept) continue
        touched.set(taking.key, { ...kept, numbers: giveBack(taking, kept.numbers), isDirty: true })
      }
    },

    flush(): void {
      for (const [key, kept] of touched)
        if (kept.isDirty) {
          if (kept.numbers.length === 0) remove.run(ledgerRow(key))
          else upsert.run(ledgerRow(key), kept.form, pack(kept.numbers), Math.ceil(kept.forgottenAt))
        }
      touched.clear()
    },

    discard(): void {
      touched.clear()
    },
  }
}

export function pack(numbers: Ledger): Uint8Array {
  return new Uint8Array(Float64Array.from(numbers).buffer)
}

export function unpack(bytes: Uint8Array): number[] {
  // A copy, for SQLite's bytes need not lie at a multiple of eight.
  return [...new Float64Array(bytes.slice().buffer)]
}
