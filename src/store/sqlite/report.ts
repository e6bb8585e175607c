/** The report on a store in SQLite for an operator. */

import { statSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import type { StoreReport } from '../store-report.ts'

export function reportSqlite(path: string): StoreReport {
  const db = new DatabaseSync(path, { readOnly: true })
  try {
    const { version } = db.prepare('select sqlite_version() as version').get() as { version: string }
    const { user_version: schema } = db.prepare('pragma user_version').get() as { user_version: number }
    return { product: `SQLite ${version}`, schema, bytes: statSync(path).size, problems: [] }
  } finally {
    db.close()
  }
}
