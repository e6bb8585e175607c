/** A change of contact over both: the verification is used up in Redis, the change decided where the members are. */

import type { ContactChange, ContactChangeResult } from '../directory.ts'
import type { History } from '../postgres/history.ts'
import { allWithin } from './arrivals.ts'
import { verificationOf } from './records.ts'
import { type RedisVerifications, timeLeft, usedOf } from './verifications.ts'

/**
 * The verification is used up first, so that one caller goes on; then the change is decided in one transaction. If
 * that says no, it is as if it had not been used; if that cannot be known, it stays used.
 */
export async function changeContact(
  verifications: RedisVerifications,
  history: History,
  until: number,
  change: ContactChange,
): Promise<ContactChangeResult> {
  const { verification, tenant, member, provedBy } = change
  const record = await verifications.useRecord(until, { id: verification, wrong: [], consumes: true })
  if (!record) return { kind: 'refused' }
  const lastsMs = provedBy === null ? 0 : await verifications.takeProof(until, tenant, member, provedBy)
  if (provedBy !== null && lastsMs === 0) {
    await verifications.restore(record)
    return { kind: 'unproven' }
  }
  // Before the change, not after: should the process end in between, none of them may be left.
  if (provedBy === null) await verifications.endProofs(until, tenant, member)
  await verifications.cancel(until, await verifications.idsOf(until, tenant, member))
  const { repeat, ...rest } = change
  const asked = { ...rest, wrong: [], provedBy: null }
  const remainingMs = record.expiresAt - record.now
  const result = await history.changeContact(until, asked, verificationOf(record), remainingMs)
  if (result.kind !== 'changed') {
    await verifications.restore(record)
    if (provedBy !== null)
      await verifications.putProof(until, { tenant, member }, { login: provedBy, lastsMs })
    return result
  }
  // What is left is not worth failing for what has happened.
  await allWithin(timeLeft(until), [
    verifications.giveBack(until, change.wrong),
    ...(repeat === undefined ? [] : [verifications.rememberRepeat(until, record, repeat)]),
  ])
  return { ...result, used: usedOf(record) }
}
