/** Erasing a person from SQLite: a piece within the engine's transaction. */

import type { DatabaseSync, SQLInputValue } from 'node:sqlite'
import {
  type ErasedPerson,
  type ErasurePlace,
  erasureText,
  passes,
  placeAfter,
  valuesOf,
} from '../erasure.ts'
import { emptyLimiterLog } from './limiter-log.ts'

/** @param reload  Reads limiters anew, because they were changed in the store. */
export function sqliteErasure(db: DatabaseSync, reload: () => void) {
  const statements = passes.map((pass) => {
    if (pass.table === 'outbox') return undefined // a view of dispatches, which have their own pass
    const { end, last, run } = erasureText(pass)
    return { end: prepared(db, end), last: prepared(db, last), run: prepared(db, run) }
  })
  return (person: ErasedPerson, place: ErasurePlace): ErasurePlace | null => {
    const statement = statements[place.pass]
    if (!statement) return placeAfter(place, undefined)
    const { end, last, run } = statement
    const isOfLimiters = passes[place.pass]!.table === 'ledger'
    if (isOfLimiters) emptyLimiterLog(db)
    const reached = end.get({ after: place.after })?.reached as string | number | undefined
    const to = reached ?? (last.get({})?.reached as string | number | null)
    if (to !== null)
      run.run({ ...(valuesOf(person, { after: place.after, end: to }) as Record<string, SQLInputValue>) })
    if (isOfLimiters) reload()
    return placeAfter(place, reached)
  }
}

function prepared(db: DatabaseSync, text: string) {
  const statement = db.prepare(
    text
      .replaceAll(/list\((:\w+)\)/g, '(select value from json_each($1))')
      .replaceAll(/\beach\((:\w+)\)/g, '(select value as item from json_each($1))'),
  )
  statement.setAllowUnknownNamedParameters(true)
  return statement
}
