/** Engine time of one machine: it never goes back, and does not jump with the wall clock. */

import type { DatabaseSync } from 'node:sqlite'

type EngineClock = {
  now(): number
  /** Stores the present time. Call it within a transaction; it writes at most once a second. */
  persist(): void
}

const persistEveryMs = 1000

const putTime =
  "insert into meta values ('engine_time', ?) on conflict do update set value = max(value, excluded.value)"

/** Milliseconds by the monotonic clock, which is the same in every thread. */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1e6
}

/**
 * Starts at the wall clock, or at the newest time in the store if that is later, and goes on by the monotonic clock. So
 * no code lives an hour longer if the wall clock is set back by an hour, now or while the server is down.
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

/** A time later than any that was read before this store was opened; 0 if none was. */
export function engineTimeAfter(db: DatabaseSync): number {
  const row = db.prepare("select value from meta where name = 'engine_time'").get()
  // The written time may be up to one interval behind the newest time that was read.
  return typeof row?.value === 'number' ? row.value + persistEveryMs : 0
}

/** Moves engine time forward to the time that another store had reached. */
export function keepEngineTime(db: DatabaseSync, time: number): void {
  db.prepare(putTime).run(time)
}
