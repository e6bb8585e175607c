/** Statements of SQL in the form that this engine sends: written out, with a name for preparing, and values as text. */

import { hash } from 'node:crypto'
import { storableJson } from '../storable.ts'

/** Columns of a row as the server writes them. */
export type Fields = readonly (string | null)[]

/**
 * A statement returns one column of JSON, or nothing: one `JSON.parse` gives a row with its types. One that reads rows
 * by the thousand returns plain columns instead, and has a function to `read` them: the server spends less on them.
 */
type Statement = { readonly name: string; readonly text: string; readonly read?: (fields: Fields) => unknown }

export type Value = string | number | boolean | null

/** A statement with the values of one run. */
export type Bound = { readonly statement: Statement; readonly values: readonly Value[] }

/** A statement's name is made from its text: on a shared connection one name never means two texts. */
export function sql(text: string, read?: (fields: Fields) => unknown): Statement {
  return { text, name: `countersign_${hash('sha256', text).slice(0, 24)}`, ...(read && { read }) }
}

export function bind(statement: Statement, ...values: readonly Value[]): Bound {
  return { statement, values }
}

/** Many rows as one value for `json_to_recordset`, so that a statement is the same for one row and for 500. */
export function bindRows(statement: Statement, rows: readonly object[], ...values: readonly Value[]): Bound {
  return bind(statement, storableJson(rows), ...values)
}

/** Engine time in ms: the server's clock at this moment, not at the begin of the transaction. */
export const engineTime = 'floor(extract(epoch from clock_timestamp()) * 1000)::bigint'
