/** Idempotency keys of calls whose acts are no verbs of the store, so that no verb keeps their results. */

import { open, seal } from '../code/seal.ts'
import { type Once, onceMs, type Replayed } from '../store/once.ts'
import type { Services } from './services.ts'

/** @returns false if the key came with another body before. */
export function isSameCall({ store, clock }: Services, { key, fingerprint }: Once): Promise<boolean> {
  return store.consumptions.consume({
    thing: `once ${key}`,
    by: fingerprint,
    expiresAt: clock.now() + onceMs,
  })
}

export type Kept<T> =
  | ({ readonly kind: 'result'; readonly result: T } & Replayed)
  | { readonly kind: 'mismatch' }

/**
 * Does an act once for each key, as far as its result was kept: a process that is killed in between acts again.
 * @param isKept  Whether a result is an end of the act, and no refusal that a later try may escape.
 */
export async function doOnce<T>(
  services: Services,
  once: Once | undefined,
  act: () => Promise<T>,
  isKept: (result: T) => boolean,
): Promise<Kept<T>> {
  if (!once) return { kind: 'result', result: await act() }
  const { ring, clock, store } = services
  const thing = `result ${once.key}`
  const before = await store.consumptions.consumer(thing)
  if (before !== undefined) return keptIn(before)
  const result = await act()
  if (!isKept(result)) return { kind: 'result', result }
  // Sealed, because a result may hold what opens something.
  const by = `${once.fingerprint} ${seal(ring, JSON.stringify(result), thing)}`
  if (await store.consumptions.consume({ thing, by, expiresAt: clock.now() + onceMs }))
    return { kind: 'result', result }
  return keptIn((await store.consumptions.consumer(thing))!)

  async function keptIn(text: string): Promise<Kept<T>> {
    const [fingerprint, sealed] = text.split(' ') as [string, string]
    if (fingerprint !== once!.fingerprint) return { kind: 'mismatch' }
    const plain = open(ring, sealed, thing)
    // Of a ring key that was taken away since: as if it had not been kept.
    if (plain === undefined) return { kind: 'result', result: await act() }
    return { kind: 'result', result: JSON.parse(plain) as T, replayed: true }
  }
}
