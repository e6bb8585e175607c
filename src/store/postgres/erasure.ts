/** Erasing a person from PostgreSQL: each piece in a transaction of its own. */

import {
  type ErasedPerson,
  type ErasurePlace,
  erasureText,
  passes,
  placeAfter,
  valuesOf,
} from '../erasure.ts'
import { type Bound, bind, sql, type Value } from './statement.ts'
import type { Transactions } from './transaction.ts'

const statements = passes.map((pass) => {
  const { end, last, run } = erasureText(pass)
  return {
    end: prepared(end.replace(/^select (\w+) as reached/, 'select to_json(t.$1)')),
    last: prepared(last.replace(/^select max\((\w+)\) as reached/, 'select to_json(max(t.$1))')),
    run: prepared(run),
  }
})

export async function erasePiece(
  transactions: Transactions,
  until: number,
  person: ErasedPerson,
  place: ErasurePlace,
): Promise<ErasurePlace | null> {
  const { end, last, run } = statements[place.pass]!
  const { after } = place
  const [ends, lasts] = await transactions.read(until, end({ after }), last({}))
  const reached = ends![0] as string | number | undefined
  const to = reached ?? (lasts![0] as string | number | null)
  if (to !== null) await transactions.write(until, run(valuesOf(person, { after, end: to })))
  return placeAfter(place, reached)
}

/** A statement whose values have names, in the order in which it names them. */
function prepared(text: string): (values: Readonly<Record<string, unknown>>) => Bound {
  const names: string[] = []
  const written = text
    .replaceAll(/list\((:\w+)\)/g, '(select json_array_elements_text(cast($1 as json)))')
    .replaceAll(/\beach\((:\w+)\)/g, 'json_array_elements_text(cast($1 as json)) as item')
    .replaceAll(/(?<!:):(\w+)/g, (_, name: string) => {
      if (!names.includes(name)) names.push(name)
      return `$${names.indexOf(name) + 1}::text`
    })
  const statement = sql(written)
  return (values) => bind(statement, ...names.map((name) => String(values[name]) as Value))
}
