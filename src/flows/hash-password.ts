/** Hashing new passwords without filling the threads that logins and look-ups need. */

import { hashPassword } from '../directory/password.ts'
import { onceForEach } from '../once-for-each.ts'
import { createFairQueue } from './fair-queue.ts'
import type { Services } from './services.ts'

/** Hashes at the same time: one, because logins compare with two more threads of the pool's four. */
const maxHashes = 1
const maxWaiting = 16
const maxWaitMs = 400
const hashing = onceForEach((_: Services['store']) => createFairQueue(maxHashes, maxWaiting))

/** Tenants take turns. @returns undefined if the turn did not come in time. */
export function hashedInTurn(
  store: Services['store'],
  tenant: string,
  password: string,
): Promise<string | undefined> {
  const who = { network: tenant, isKnown: true }
  return hashing(store).inTurn(who, performance.now() + maxWaitMs, () => hashPassword(password))
}
