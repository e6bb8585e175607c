/** A store that has served for long: millions of ended verifications with their dispatches. */

import { DatabaseSync } from 'node:sqlite'

/** Writes them with SQL, in the shape the engine leaves them in. */
export function fillStore(path: string, count: number): void {
  const db = new DatabaseSync(path)
  db.exec('pragma synchronous = off; pragma cache_size = -400000')
  const now = Date.now()
  const verification = db.prepare(
    `insert into verification values (?, 'demo', 'bench', ?, ?, 'new-contact', 'k', 6, 1, ?, ?, 1, 0, ?)`,
  )
  const dispatch = db.prepare(
    `insert into dispatch values (?, ?, 1, 'demo', 'bench', 'sms', 'sandbox', 'CN', 'accepted', '', ?, null, ?, ?, ?,
       null, null, 'done', 0, null, null, null)`,
  )
  for (let i = 0; i < count; ) {
    db.exec('begin')
    for (const end = Math.min(count, i + 100_000); i < end; i++) {
      const at = now - 20 * 86_400_000 + Math.floor((i / count) * 19 * 86_400_000)
      const id = at.toString(16).padStart(12, '0') + i.toString(16).padStart(32, '0')
      verification.run(
        id,
        i.toString(16).padStart(32, '0'),
        `tel:+86${13_000_000_000 + i}`,
        at,
        at + 60_000,
        at + 20_000,
      )
      dispatch.run(id, id.slice(12), 'x'.repeat(40), at, at + 2, at + 3)
    }
    db.exec('commit')
  }
  db.exec('pragma wal_checkpoint(truncate)')
  db.close()
}
