/** Throttle ledgers in PostgreSQL: held under lock by a batch, decided on in order, written at once. */

import type { Ledger, LedgerForm } from '../../throttle/ledger.ts'
import {
  type OpenLedgers,
  type ReservationResult,
  reserve,
  type SettledReservation,
  settle,
} from '../../throttle/reservation.ts'
import { decideTakes, giveBack, type Take, type Taking, type Throttled } from '../../throttle/take.ts'
import { storableJson } from '../storable.ts'
import { inOrder } from './order.ts'
import { type Bound, bind, bindRows, sql } from './statement.ts'

/**
 * Locked in the order of keys, as every batch locks them, so that no two wait for each other. A row that is
 * not there cannot be locked: two batches may both find none, and the second to insert it is refused by the
 * key and begins anew. What lost: an advisory lock for each key (thousands at a time overflow the server's
 * lock table); making the missing rows first (each first taking wrote its row twice).
 */
const selectLedgers = sql(`
  select to_json(l) from json_array_elements_text($1::json) as wanted (key)
    join ledger l on l.key = wanted.key
  order by l.key for update of l`)

const insertLedgers = sql(`
  insert into ledger (key, form, numbers, forgotten_at)
  select key, form, numbers, forgotten_at
  from json_to_recordset($1::json) as r (key text, form text, numbers json, forgotten_at bigint)`)

const updateLedgers = sql(`
  update ledger l set numbers = r.numbers, forgotten_at = r.forgotten_at
  from json_to_recordset($1::json) as r (key text, numbers json, forgotten_at bigint)
  where l.key = r.key`)

const deleteLedgers = sql(`
  delete from ledger l using json_array_elements_text($1::json) as emptied (key) where l.key = emptied.key`)

type LedgerRow = { key: string; form: LedgerForm; numbers: Ledger; forgotten_at: number }
type Kept = LedgerRow & { isNew: boolean; isDirty: boolean }

export type HeldLedgers = ReturnType<typeof heldLedgers>

export function readLedgers(keys: ReadonlySet<string>): Bound {
  return bind(selectLedgers, storableJson([...keys]))
}

export function heldLedgers(rows: readonly unknown[]) {
  const held = new Map<string, Kept>()
  for (const row of rows as readonly LedgerRow[]) held.set(row.key, { ...row, isNew: false, isDirty: false })

  function put(key: string, form: LedgerForm, numbers: Ledger, forgottenAt: number): void {
    const isNew = held.get(key)?.isNew ?? true
    held.set(key, { key, form, numbers, forgotten_at: Math.ceil(forgottenAt), isNew, isDirty: true })
  }

  const open: OpenLedgers = { read: (key) => held.get(key)?.numbers, put }

  return {
    reserve: (takes: readonly Take[], now: number): ReservationResult => reserve(open, takes, now),
    settle: (settled: SettledReservation, now: number): void => settle(open, settled, now),
    isHeld: (key: string, now: number): boolean => (held.get(key)?.forgotten_at ?? 0) > now,

    take(takes: readonly Take[], now: number): Throttled | { kind: 'taken' } {
      const decision = decideTakes(
        takes,
        takes.map((take) => held.get(take.key)?.numbers),
        now,
      )
      if (decision.kind === 'throttled') return decision
      for (const [i, take] of takes.entries()) {
        const next = decision.ledgers[i]
        if (next) put(take.key, take.form, next.ledger, next.forgottenAt)
      }
      return { kind: 'taken' }
    },

    giveBack(takings: readonly Taking[]): void {
      for (const taking of takings) {
        const kept = held.get(taking.key)
        if (kept) put(taking.key, taking.form, giveBack(taking, kept.numbers), kept.forgotten_at)
      }
    },

    writes(): Bound[] {
      const dirty = [...held.values()].filter((one) => one.isDirty)
      const made = dirty.filter((one) => one.isNew && one.numbers.length > 0)
      const changed = dirty.filter((one) => !one.isNew && one.numbers.length > 0)
      const emptied = dirty.filter((one) => !one.isNew && one.numbers.length === 0)
      return [
        ...(changed.length > 0 ? [bindRows(updateLedgers, changed)] : []),
        ...(emptied.length > 0 ? [bind(deleteLedgers, storableJson(emptied.map((one) => one.key)))] : []),
        ...(made.length > 0
          ? [
              bindRows(
                insertLedgers,
                inOrder(made, (one) => one.key),
              ),
            ]
          : []),
      ]
    },
  }
}
