/** The thread that moves the write-ahead log into the database, so that no commit waits for it. */

import { DatabaseSync } from 'node:sqlite'
import { parentPort, workerData } from 'node:worker_threads'

/**
 * Moved by the committing connection itself, as SQLite does by default, 4,000 pages held up every call
 * for some 100 ms once a second at 5,000 sends/s; fewer pages at a time, more often but no less in all.
 */
const everyMs = 100
/** A passive pass never blocks and, under steady load, never quite catches up: the log would grow for ever. */
const longestLogPages = 16_000

const db = new DatabaseSync((workerData as { path: string }).path, { timeout: 200 })
db.exec('pragma journal_mode = wal; pragma synchronous = full')
const passive = db.prepare('pragma wal_checkpoint(passive)')
const restart = db.prepare('pragma wal_checkpoint(restart)')

const timer = setInterval(() => {
  try {
    const { log } = passive.get() as { log: number }
    // The passive pass has left little to do, so writers are held up for that little only.
    if (log > longestLogPages) restart.get()
  } catch {
    // Locked by a backup or a command for the moment: the next pass does it.
  }
}, everyMs)

parentPort!.on('message', () => {
  clearInterval(timer)
  db.close()
  parentPort!.close()
})
