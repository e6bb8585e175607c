/** Searches for members, few at the same time, because each reads all entries of its tenant. */

import type { Session } from '../directory/directory.ts'
import { onceForEach } from '../once-for-each.ts'
import type { FoundMembers, MemberQuery } from '../store/member-search.ts'
import { createFairQueue } from './fair-queue.ts'
import type { Services } from './services.ts'

/** A search of 100,000 members takes some 25 ms (docs/speed.md, Members) of the engine's thread or of a database's processor. */
const maxSearches = 2
const maxWaiting = 64
const maxWaitMs = 500
const searching = onceForEach((_: Services['store']) => createFairQueue(maxSearches, maxWaiting))

/** Members take turns, whoever asks most. @returns undefined if the turn did not come in time. */
export function searchMembers(
  { store }: Pick<Services, 'store'>,
  { tenant, member }: Pick<Session, 'tenant' | 'member'>,
  query: Omit<MemberQuery, 'tenant'>,
): Promise<FoundMembers | undefined> {
  const who = { network: member.id, isKnown: true }
  return searching(store).inTurn(who, performance.now() + maxWaitMs, () =>
    store.directory.searchMembers({ ...query, tenant: tenant.id }),
  )
}
