/** The thread that moves the write-ahead log into the database, so that no commit waits for it. */

import { DatabaseSync, type StatementSync } from 'node:sqlite'
import { parentPort, workerData } from 'node:worker_threads'

/**
 * The interval. By default the committing connection moves the log itself: at 5,000 sends/s that delayed every call by some
 * 100 ms once a second, for 4,000 pages. With fewer pages at a time it happened more often and took as long in all.
 */
const everyMs = 100
/** A log of so many pages is reset by a blocking pass. A passive pass never blocks, but under steady load never ends. */
const maxLogPages = 16_000

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
    // The passive pass has left little to do, so writers wait only a short time.
    if (log > maxLogPages) opened.restart.get()
  } catch {
    // Locked by a backup or a command, or no space at the moment: the next pass does it.
  }
}, everyMs)

parentPort!.on('message', () => {
  clearInterval(timer)
  opened?.db.close()
  parentPort!.close()
})
