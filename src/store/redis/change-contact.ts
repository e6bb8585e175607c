/** A change of contact over both: the verification is used up in Redis, the change decided where the members are. */

import type {
  ContactChange,
  ContactChangeResult,
  ContactSetting,
  ContactSettingResult,
} from '../directory.ts'
import type { History } from '../history.ts'
import { allWithin } from './arrivals.ts'
import { verificationOf } from './records.ts'
import { type RedisUses, timeLeft, usedOf } from './use.ts'
import type { RedisVerifications } from './verifications.ts'

/**
 * The verification is used up first, so that one caller goes on; then the change is decided in one transaction. If
 * that says no, it is as if it had not been used; if that cannot be known, it stays used.
 */
export async function changeContact(
  uses: RedisUses,
  verifications: RedisVerifications,
  history: History,
  until: number,
  change: ContactChange,
): Promise<ContactChangeResult> {
  const { verification, tenant, member, provedBy } = change
  const record = await uses.use(until, { id: verification, wrong: [], consumes: true })
  if (!record) return { kind: 'refused' }
  const isProven = provedBy !== null && (await uses.hasProof(until, tenant, member, provedBy))
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
  // What is left is not worth failing for what has happened.
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

/** Before the commit, not after: should the process end in between, none of them may be left. */
function endLive(
  uses: RedisUses,
  verifications: RedisVerifications,
  until: number,
  { tenant, member }: { readonly tenant: string; readonly member: string },
): () => Promise<void> {
  return async () => {
    await uses.endProofs(until, tenant, member)
    await verifications.cancel(until, await verifications.idsOf(until, tenant, member))
  }
}
