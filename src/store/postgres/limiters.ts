/** Throttle limiters in PostgreSQL: locked by a unit of work, and written together. */

import type { LimiterForm, LimiterState } from '../../throttle/limiter-state.ts'
import type { OpenLimiters } from '../../throttle/open-limiters.ts'
import { storableJson } from '../storable.ts'
import { inOrder } from './order.ts'
import { type Bound, bind, bindRows, sql } from './statement.ts'

/**
 * Locked in the order of keys by every batch, so that no two wait for each other. A missing row cannot be locked: two
 * batches may both find none, and then the primary key refuses the second insert, and that batch begins anew. Tried and
 * lost: an advisory lock for each key (thousands at a time overflow the server's lock table), and making missing rows
 * first (each first hit wrote its row twice).
 */
const selectLimiters = sql(
  `
  select l.key, l.form, l.numbers, l.forgotten_at from json_array_elements_text($1::json) as wanted (key)
    join ledger l on l.key = wanted.key
  order by l.key for update of l`,
  ([key, form, numbers, forgottenAt]): LimiterRow => ({
    key: key!,
    form: form as LimiterForm,
    numbers: JSON.parse(numbers!) as number[],
    forgotten_at: Number(forgottenAt),
  }),
)

const insertLimiters = sql(`
  insert into ledger (key, form, numbers, forgotten_at)
  select key, form, numbers, forgotten_at
  from json_to_recordset($1::json) as r (key text, form text, numbers json, forgotten_at bigint)`)

const updateLimiters = sql(`
  update ledger l set numbers = r.numbers, forgotten_at = r.forgotten_at
  from json_to_recordset($1::json) as r (key text, numbers json, forgotten_at bigint)
  where l.key = r.key`)

const deleteLimiters = sql(`
  delete from ledger l using json_array_elements_text($1::json) as emptied (key) where l.key = emptied.key`)

type LimiterRow = { key: string; form: LimiterForm; numbers: LimiterState; forgotten_at: number }
type Kept = LimiterRow & { isNew: boolean; isDirty: boolean }

export function readLimiters(keys: ReadonlySet<string>): Bound {
  return bind(selectLimiters, storableJson([...keys]))
}

export function heldLimiters(rows: readonly unknown[]) {
  const held = new Map<string, Kept>()
  for (const row of rows as readonly LimiterRow[]) held.set(row.key, { ...row, isNew: false, isDirty: false })

  const open: OpenLimiters = {
    read: (key) => held.get(key)?.numbers,
    forgottenAt: (key) => held.get(key)?.forgotten_at,
    put(key, form, numbers, forgottenAt) {
      const isNew = held.get(key)?.isNew ?? true
      held.set(key, { key, form, numbers, forgotten_at: Math.ceil(forgottenAt), isNew, isDirty: true })
    },
  }
  return {
    ...open,

    writes(): Bound[] {
      const dirty = [...held.values()].filter((one) => one.isDirty)
      const made = dirty.filter((one) => one.isNew && one.numbers.length > 0)
      const changed = dirty.filter((one) => !one.isNew && one.numbers.length > 0)
      const emptied = dirty.filter((one) => !one.isNew && one.numbers.length === 0)
      return [
        ...(changed.length > 0 ? [bindRows(updateLimiters, changed)] : []),
        ...(emptied.length > 0 ? [bind(deleteLimiters, storableJson(emptied.map((one) => one.key)))] : []),
        ...(made.length > 0
          ? [
              bindRows(
                insertLimiters,
                inOrder(made, (one) => one.key),
              ),
            ]
          : []),
      ]
    },
  }
}
