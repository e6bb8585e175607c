/** The thread that moves the write-ahead log into the database, so that no commit waits for it. */

import { DatabaseSync, type StatementSync } from 'node:sqlite'
import { parentPort, workerData } from 'node:worker_threads'

/**
 * By default the committing connection moves the log itself. At 5,000 sends/s that held every call up for some 100 ms
 * once a second, for 4,000 pages. With fewer pages at a time it happened more often and took as long in all.
 */
const everyMs = 100
/** A passive pass never blocks, but under steady load it never quite catches up, and the log would grow for ever. */
const longestLogPages = 16_000

type Opened = { readonly db: DatabaseSync; readonly passive: StatementSync; readonly restart: StatementSync }
let opened: Opened | undefined

function open(): Opened {
  const db = new DatabaseSync((workerData as { path: string }).path, { timeout: 200 })
  db.exec('pragma synchronous = full')
  return {
    db,
    passive: db.prepare('pragma wal_checkpoint(passive)'),
    restart: db.prepare('pragma wal_checkpoint(restart)'),
  }
}

const timer = setInterval(() => {
  try {
    opened ??= open()
    const { log } = opened.passive.get() as { log: number }
    // The passive pass has left little to do, so writers are held up for that little only.
    if (log > longestLogPages) opened.restart.get()
  } catch {
    // Locked by a backup or a command, or no room for the moment: the next pass does it.
  }
}, everyMs)

parentPort!.on('message', () => {
  clearInterval(timer)
  opened?.db.close()
  parentPort!.close()
})
