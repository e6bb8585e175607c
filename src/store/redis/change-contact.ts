/** Changes of members over both stores: what is live ends in Redis, the change is decided in PostgreSQL. */

import type { Verification } from '../../verification/verification.ts'
import type { BatchResult, MemberBatch, MemberUpdate, MemberUpdateResult } from '../administration.ts'
import type {
  ContactUndo,
  ContactUndoResult,
  RecoveryApply,
  RecoveryApplyResult,
  RecoveryStop,
  RecoveryStopResult,
} from '../contact-undo.ts'
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

/** The same for a code that was sent to a former contact. */
export async function undoContact(
  uses: RedisUses,
  verifications: RedisVerifications,
  history: History,
  tellBefore: (until: number, verification: string) => Promise<void>,
  until: number,
  undo: ContactUndo,
): Promise<ContactUndoResult> {
  return spent(uses, tellBefore, until, undo, (verification, remainingMs) =>
    history.undoContact(until, { ...undo, wrong: [] }, verification, remainingMs, {
      endLive: endLive(uses, verifications, until, undo),
    }),
  )
}

export async function stopRecovery(
  uses: RedisUses,
  history: History,
  tellBefore: (until: number, verification: string) => Promise<void>,
  until: number,
  stop: RecoveryStop,
): Promise<RecoveryStopResult> {
  return spent(uses, tellBefore, until, stop, (verification, remainingMs) =>
    history.stopRecovery(until, { ...stop, wrong: [] }, verification, remainingMs),
  )
}

export function applyRecovery(
  uses: RedisUses,
  verifications: RedisVerifications,
  history: History,
  until: number,
  apply: RecoveryApply,
): Promise<RecoveryApplyResult> {
  return history.applyRecovery(until, apply, {
    endLive: endLive(uses, verifications, until, apply.recovery),
  })
}

/** Uses a verification up, acts in PostgreSQL, and undoes the use if the act is refused. */
async function spent<Result extends { readonly kind: string }>(
  uses: RedisUses,
  tellBefore: (until: number, verification: string) => Promise<void>,
  until: number,
  { verification, wrong }: Pick<ContactUndo, 'verification' | 'wrong'>,
  act: (verification: Verification, remainingMs: number) => Promise<Result>,
): Promise<Result | { readonly kind: 'refused' }> {
  const record = await uses.begin(until, { id: verification, wrong: [], consumes: true })
  if (!record) return { kind: 'refused' }
  await tellBefore(until, verification)
  const result = await act(verificationOf(record), record.expiresAt - record.now)
  if (!('used' in result)) {
    await uses.restore(record)
    return result
  }
  await allWithin(timeLeft(until), [uses.refund(until, wrong)])
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
