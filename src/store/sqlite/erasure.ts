/** Erasing people from SQLite: a piece within the engine's transaction. */

import type { DatabaseSync, SQLInputValue } from 'node:sqlite'
import type { FormerMember } from '../../directory/directory.ts'
import {
  type ErasedPeople,
  type ErasurePlace,
  erasureText,
  passes,
  placeAfter,
  rowsInPiece,
  valuesOf,
} from '../erasure.ts'
import { emptyLimiterLog } from './limiter-log.ts'
import { formerMemberOf, type Row } from './rows.ts'

/**
 * @param now  Engine time.
 * @param reload  Reads limiters anew, because they were changed in the store.
 */
export function sqliteErasures(db: DatabaseSync, now: () => number, reload: () => void) {
  const statements = passes.map((pass) => {
    const { end, last, run } = erasureText(pass)
    // SQLite deletes from no view under another name.
    const deleting =
      pass.table === 'outbox' ? run.replace(' as t ', ' ').replaceAll(/\bt\./g, 'outbox.') : run
    return { end: prepared(db, end), last: prepared(db, last), run: prepared(db, deleting) }
  })
  const claim = db.prepare(
    `update former_member set due_at = :until
     where id in (select id from former_member where due_at <= :now order by due_at limit :most) returning *`,
  )
  const renew = db.prepare(
    'update former_member set due_at = ? where id in (select value from json_each(?)) and due_at > 0',
  )
  const left = db.prepare('select 1 from former_member where id in (select value from json_each(?)) limit 1')

  return {
    claim: (most: number, leaseMs: number): FormerMember[] =>
      (claim.all({ now: now(), until: now() + leaseMs, most }) as Row[]).map(formerMemberOf),
    renew: (members: readonly string[], leaseMs: number): void =>
      void renew.run(now() + leaseMs, JSON.stringify(members)),
    areLeft: (members: readonly string[]): boolean => left.get(JSON.stringify(members)) !== undefined,

    erase(people: ErasedPeople, place: ErasurePlace): ErasurePlace | null {
      const { end, last, run } = statements[place.pass]!
      const isOfLimiters = passes[place.pass]!.table === 'ledger'
      if (isOfLimiters) emptyLimiterLog(db)
      const reached = end.get({ after: place.after, rows: rowsInPiece(passes[place.pass]!, people) })
        ?.reached as string | number | undefined
      const to = reached ?? (last.get({})?.reached as string | number | null)
      if (to !== null)
        run.run({ ...(valuesOf(people, { after: place.after, end: to }) as Record<string, SQLInputValue>) })
      if (isOfLimiters) reload()
      return placeAfter(place, reached)
    },
  }
}

function prepared(db: DatabaseSync, text: string) {
  const statement = db.prepare(
    text
      .replaceAll(/list\((:\w+)\)/g, '(select value from json_each($1))')
      .replaceAll(/\beach\((:\w+)\)/g, '(select value as item from json_each($1))')
      .replaceAll(/\bplace\(/g, 'instr('),
  )
  statement.setAllowUnknownNamedParameters(true)
  return statement
}
