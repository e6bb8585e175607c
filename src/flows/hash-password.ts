/** Hashing new passwords without filling the threads that logins and look-ups need. */

import { laterBy } from '../deadline.ts'
import { hashPassword } from '../directory/password.ts'
import { onceForEach } from '../once-for-each.ts'
import { createFairQueue } from './fair-queue.ts'
import type { Services } from './services.ts'

/** Hashes at the same time: one, because logins compare with two more threads of the pool's four. */
const maxHashes = 1
const maxWaiting = 16
/** Of a slow machine; where a hash takes 20 ms, all who wait are through in 400. */
const maxWaitMs = 3000
const hashing = onceForEach((_: Services['store']) => createFairQueue(maxHashes, maxWaiting))

/**
 * Hashes and goes on with the hash. Tenants take turns. The wait is not the store's, so what follows has as much time for the
 * store as without it: ten members at once, as Terraform adds them, are all added.
 * @returns undefined if the turn did not come in time, or if too many wait.
 */
export async function withHash<T>(
  store: Services['store'],
  tenant: string,
  password: string,
  act: (hash: string) => Promise<T>,
): Promise<T | undefined> {
  const who = { network: tenant, isKnown: true }
  const since = performance.now()
  const hash = await hashing(store).inTurn(who, since + maxWaitMs, () => hashPassword(password))
  return hash === undefined ? undefined : laterBy(performance.now() - since, () => act(hash))
}
