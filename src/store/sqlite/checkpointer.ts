/**
 * The thread that moves the write-ahead log into the database, so that no commit waits for it. By default the committing
 * connection moves the log itself. At 5,000 sends/s that held every call up for some 100 ms once a second, for 4,000
 * pages. With fewer pages at a time it happened more often and took as long in all.
 */

import { DatabaseSync, type StatementSync } from 'node:sqlite'
import { setTimeout as pause } from 'node:timers/promises'
import { parentPort, workerData } from 'node:worker_threads'
import type { Pass } from './checkpoints.ts'

/** A log of so many pages is reset by a blocking pass. A passive pass never blocks, but under steady load never ends. */
const maxLogPages = 16_000

type Opened = {
  readonly db: DatabaseSync
  readonly passive: StatementSync
  readonly restart: StatementSync
  readonly truncate: StatementSync
}
let opened: Opened | undefined

function open(): Opened {
  const db = new DatabaseSync((workerData as { path: string }).path, { timeout: 200 })
  db.exec('pragma synchronous = full')
  return {
    db,
    passive: db.prepare('pragma wal_checkpoint(passive)'),
    restart: db.prepare('pragma wal_checkpoint(restart)'),
    truncate: db.prepare('pragma wal_checkpoint(truncate)'),
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

/** Whoever reads at the moment has to end first: a list of members, a backup. */
const againMs = 100

async function truncate(): Promise<void> {
  for (;;) {
    pass()
    try {
      if (opened && (opened.truncate.get() as { busy: number }).busy === 0) return
    } catch {
      // as in a pass
    }
    await pause(againMs)
    if (isClosed) return
  }
}

let isClosed = false

parentPort!.on('message', async (order: Pass | 'close') => {
  if (order !== 'close') {
    if (order === 'pass') pass()
    else await truncate()
    if (!isClosed) parentPort!.postMessage(order)
    return
  }
  isClosed = true
  opened?.db.close()
  parentPort!.close()
})
