/** Changes of members over both stores: what is live ends in Redis, the change is decided in PostgreSQL. */

import type { BatchResult, MemberBatch, MemberUpdate, MemberUpdateResult } from '../administration.ts'
import type {
  ContactChange,
  ContactChangeResult,
  ContactSetting,
  ContactSettingResult,
} from '../directory.ts'
import type { History } from '../history.ts'
import { allWithin } from './all-within.ts'
import { verificationOf } from './records.ts'
import { type RedisUses, timeLeft, usedOf } from './use.ts'
import type { RedisVerifications } from './verifications.ts'

/**
 * The verification is used up first, so that only one caller goes on. Then the change is decided in one transaction. If it
 * is refused, the use is undone; if its result is unknown, the verification stays used.
 * @param tellBefore  Moves what events of the change rest on, and come after.
 */
export async function changeContact(
  uses: RedisUses,
  verifications: RedisVerifications,
  history: History,
  tellBefore: (until: number, verification: string) => Promise<void>,
  until: number,
  change: ContactChange,
): Promise<ContactChangeResult> {
  const { verification, tenant, member, provedBy } = change
  const record = await uses.begin(until, { id: verification, wrong: [], consumes: true })
  if (!record) return { kind: 'refused' }
  const isProven = provedBy !== null && (await uses.hasProof(until, tenant, member, provedBy))
  await tellBefore(until, verification)
  const { repeat, ...rest } = change
  const remainingMs = record.expiresAt - record.now
  const result = await history.changeContact(
    until,
    { ...rest, wrong: [] },
    verificationOf(record),
    remainingMs,
    { isProven, endLive: endLive(uses, verifications, until, change) },
  )
  if (result.kind !== 'changed') {
    await uses.restore(record)
    return result
  }
  // A failure of the rest must not turn a change that was made into an error.
  await allWithin(timeLeft(until), [
    uses.refund(until, change.wrong),
    ...(repeat === undefined ? [] : [uses.rememberRepeat(until, record, repeat)]),
  ])
  return { ...result, used: usedOf(record) }
}

export function setContact(
  uses: RedisUses,
  verifications: RedisVerifications,
  history: History,
  until: number,
  setting: ContactSetting,
): Promise<ContactSettingResult> {
  return history.setContact(until, setting, { endLive: endLive(uses, verifications, until, setting) })
}

export function updateMember(
  uses: RedisUses,
  verifications: RedisVerifications,
  history: History,
  until: number,
  update: MemberUpdate,
): Promise<MemberUpdateResult> {
  return history.updateMember(until, update, { endLive: endLive(uses, verifications, until, update) })
}

export function deleteMembers(
  uses: RedisUses,
  verifications: RedisVerifications,
  history: History,
  until: number,
  batch: MemberBatch,
): Promise<BatchResult> {
  const { tenant } = batch
  return history.deleteMembers(until, batch, {
    async endLive() {
      const ends = batch.members.map(({ id }) => endLive(uses, verifications, until, { tenant, member: id }))
      await Promise.all(ends.map((end) => end()))
    },
  })
}

/** Done before the commit, so that no live code is left if the process ends in between. */
function endLive(
  uses: RedisUses,
  verifications: RedisVerifications,
  until: number,
  { tenant, member }: { readonly tenant: string; readonly member: string },
): () => Promise<void> {
  return async () => {
    await uses.endProofs(until, tenant, member)
    await verifications.endUnused(until, await verifications.idsOf(until, tenant, member))
  }
}
