/** Engine time for one machine: it never goes back and does not jump with the wall clock. */

import type { DatabaseSync } from 'node:sqlite'

export type EngineClock = {
  now(): number
  /** Remembers how far time has come. Call within a transaction; writes at most once a second. */
  persist(): void
}

const persistEveryMs = 1000

const putTime =
  "insert into meta values ('engine_time', ?) on conflict do update set value = max(value, excluded.value)"

/** Milliseconds by the one clock that runs alike in every thread and that nobody sets. */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1e6
}

/**
 * Starts at the wall clock, or where time had come when the store was last written if that is
 * later, and runs on by the monotonic clock: setting the wall clock back by an hour, now or while
 * the server is down, gives no code an hour more.
 */
export function engineClock(
  db: DatabaseSync,
  wallNow: () => number,
  monotonicNow: () => number,
): EngineClock {
  const start = Math.max(wallNow(), engineTimeAfter(db))
  const origin = monotonicNow()
  const update = db.prepare(putTime)
  let persistedAt = 0
  const now = () => Math.floor(start + monotonicNow() - origin)
  return {
    now,
    persist() {
      const at = now()
      if (at - persistedAt < persistEveryMs) return
      update.run(at)
      persistedAt = at
    },
  }
}

/** Later than any time that was told before this store was opened; 0 if none was. */
export function engineTimeAfter(db: DatabaseSync): number {
  const row = db.prepare("select value from meta where name = 'engine_time'").get()
  // What was written may be up to one interval behind what was told.
  return typeof row?.value === 'number' ? row.value + persistEveryMs : 0
}

/** Engine time was already so late elsewhere, and goes on from there. */
export function keepEngineTime(db: DatabaseSync, time: number): void {
  db.prepare(putTime).run(time)
}
