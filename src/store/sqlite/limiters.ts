/** Throttle limiters in SQLite: read on demand, and written once at the end of the engine's transaction. */

import type { DatabaseSync } from 'node:sqlite'
import type { LimiterForm } from '../../throttle/limiter-state.ts'
import type { OpenLimiters } from '../../throttle/open-limiters.ts'
import { type LoggedLimiter, limiterRow, openLimiterLog, unpack } from './limiter-log.ts'

type SqliteLimiters = OpenLimiters & {
  begin(now: number): void
  /** Reads the log anew, which was emptied by another way. */
  reload(): void
  flush(now: number): void
  committed(): void
  discard(): void
}

/**
 * Keeps the limiters of a transaction in memory until `flush` writes them, so that one that many calls of a turn share (an
 * app's bucket, a network) is read and written once in each commit.
 */
export function sqliteLimiters(db: DatabaseSync): SqliteLimiters {
  const log = openLimiterLog(db)
  const select = db.prepare('select form, numbers, forgotten_at from ledger where key = ?')
  select.setReturnArrays(true)
  const found = new Map<string, LoggedLimiter | undefined>()
  let changed = new Map<string, LoggedLimiter>()

  function read(key: string): LoggedLimiter | undefined {
    const own = changed.get(key)
    if (own) return own
    const logged = log.get(key)
    if (logged) return logged.numbers.length === 0 ? undefined : logged
    if (found.has(key)) return found.get(key)
    const row = select.get(limiterRow(key)) as unknown as [LimiterForm, Uint8Array, number] | undefined
    const stored = row && { key, form: row[0], numbers: unpack(row[1]), forgottenAt: row[2] }
    found.set(key, stored)
    return stored
  }

  function forget(): void {
    found.clear()
    changed = new Map()
  }

  return {
    reload: log.reload,
    begin: log.begin,
    read: (key) => read(key)?.numbers,
    forgottenAt: (key) => read(key)?.forgottenAt,
    put(key, form, numbers, forgottenAt) {
      changed.set(key, { key, form, numbers, forgottenAt: Math.ceil(forgottenAt) })
    },

    flush: (now) => log.flush(changed, now),

    committed(): void {
      log.committed()
      forget()
    },

    discard: forget,
  }
}
