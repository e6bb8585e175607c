/** Keeps apart calls with the same idempotency key whose acts are consumptions, and so keep no result of a verb. */

import { type Once, onceMs } from '../store/once.ts'
import type { Services } from './services.ts'

/** @returns false if the key came with another body before. */
export function isSameCall({ store, clock }: Services, { key, fingerprint }: Once): Promise<boolean> {
  return store.consumptions.consume({
    thing: `once ${key}`,
    by: fingerprint,
    expiresAt: clock.now() + onceMs,
  })
}
