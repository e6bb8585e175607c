/** Collects claimed messages from several shards. Messages of a slow shard come with the next poll. */

import { AppError } from '../../errors.ts'
import type { OutboxEntry } from '../../message/outbox-entry.ts'

/** A message that arrived longer ago is left until its lease ends, because the lease must outlast the hand-over. */
const maxLateMs = 500

export type Arrivals = ReturnType<typeof createArrivals>

export function createArrivals() {
  let arrived: { readonly owner: string; readonly entry: OutboxEntry; readonly at: number }[] = []
  return {
    add(owner: string, entries: readonly OutboxEntry[]): void {
      const at = performance.now()
      for (const entry of entries) arrived.push({ owner, entry, at })
    },

    /** The messages of an owner that have arrived, each with the rest of its life. */
    take(owner: string): OutboxEntry[] {
      const time = performance.now()
      const taken = arrived.filter((one) => one.owner === owner && time - one.at < maxLateMs)
      arrived = arrived.filter((one) => one.owner !== owner)
      return taken.map(({ entry, at }) => ({ ...entry, remainingMs: entry.remainingMs - (time - at) }))
    },
  }
}

/**
 * Waits until all acts have ended, but not longer than `ms`. Acts that take longer go on by themselves.
 * @returns The reason why some act failed or did not end in time; undefined if all succeeded.
 */
export async function allWithin(
  ms: number,
  acts: readonly Promise<unknown>[],
): Promise<AppError | undefined> {
  let failure: AppError | undefined
  let missing = acts.length
  let timer: NodeJS.Timeout | undefined
  const all = acts.map((act) =>
    act.then(
      () => {
        missing--
      },
      (error: unknown) => {
        missing--
        failure = error instanceof AppError ? error : new AppError('store.unavailable', String(error))
      },
    ),
  )
  const over = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms)
  })
  await Promise.race([Promise.all(all), over])
  clearTimeout(timer)
  return failure ?? (missing > 0 ? new AppError('store.unavailable', `no answer within ${ms} ms`) : undefined)
}
