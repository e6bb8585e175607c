/**
 * The thread that moves the write-ahead log into the database, so that no commit waits for it. By default the committing
 * connection moves the log itself. At 5,000 sends/s that held every call up for some 100 ms once a second, for 4,000
 * pages. With fewer pages at a time it happened more often and took as long in all.
 */

import { DatabaseSync, type StatementSync } from 'node:sqlite'
import { parentPort, workerData } from 'node:worker_threads'
import type { Pass } from './checkpoints.ts'

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

function pass(): void {
  try {
    opened ??= open()
    const { log } = opened.passive.get() as { log: number }
    // The passive pass has left little to do, so writers wait only a short time.
    if (log > maxLogPages) opened.restart.get()
  } catch {
    // Locked by a backup or a command, or no space at the moment: the next pass does it.
  }
}

parentPort!.on('message', (order: Pass | 'close') => {
  if (order === 'pass') {
    pass()
    parentPort!.postMessage(order)
    return
  }
  opened?.db.close()
  parentPort!.close()
})
