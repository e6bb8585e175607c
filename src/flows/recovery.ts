/**
 * A recovery: a new contact for a member who lost the old one. It waits, all contacts get a notice, and whoever holds one
 * of them may stop it by a code (see `confirmUndo`). Then the first process to come applies it.
 */

import { type Address, addressKey } from '../address/address.ts'
import { reached } from '../delivery/crash-points.ts'
import type { Recovery } from '../directory/contact-history.ts'
import type { OutboxEntry } from '../message/outbox-entry.ts'
import type { NewAuditEntry } from '../store/audit.ts'
import type { Lease } from '../store/outbox.ts'
import { auditOf, type ByAdministrator, findMember, type NamedBy } from './administration.ts'
import { noticesOf, recoveryNoticesOf } from './notices.ts'
import { mayManage } from './rights.ts'
import type { Services } from './services.ts'
import { seenOf } from './undo-contact.ts'

export type RecoveryWish = {
  readonly address: Address
  /** The country key of a phone. */
  readonly country: string | null
}

export type RecoveryOutcome =
  | { readonly kind: 'started'; readonly dueAt: number; readonly notices: number }
  /** pending: another one is under way · unchanged: the member has the address · bound: another member has it. */
  | { readonly kind: 'unknown' | 'not-permitted' | 'pending' | 'unchanged' | 'bound' | 'stale' }

export type CancelOutcome = { readonly kind: 'cancelled' | 'none' | 'unknown' | 'not-permitted' }

type By = {
  readonly tenant: string
  /** The app that notices are sent for. */
  readonly app: string
  readonly locale: string
  /** `member:ID` or `operator`. */
  readonly startedBy: string
  readonly lease: Lease
  readonly audit: NewAuditEntry
}

const maxTries = 3

export async function beginRecovery(
  { store, clock, serves, ring, undo }: Pick<Services, 'store' | 'clock' | 'serves' | 'ring' | 'undo'>,
  memberId: string,
  { address, country }: RecoveryWish,
  { tenant, app, locale, startedBy, lease, audit }: By,
): Promise<{ readonly outcome: RecoveryOutcome; readonly entries: readonly OutboxEntry[] }> {
  for (let tries = 0; tries < maxTries; tries++) {
    const member = await store.directory.member(memberId)
    if (!member || member.tenant !== tenant) return { outcome: { kind: 'unknown' }, entries: [] }
    const present = member[address.kind]
    if (present && addressKey(present) === addressKey(address))
      return { outcome: { kind: 'unchanged' }, entries: [] }
    const now = clock.now()
    const due = Math.max(now + undo.recoveryWaitMs, member.contactBarredUntil ?? 0)
    const result = await store.directory.startRecovery({
      recovery: {
        tenant,
        member: member.id,
        app,
        contact: address.kind,
        address,
        country,
        locale,
        startedBy,
      },
      waitMs: undo.recoveryWaitMs,
      seen: seenOf(member),
      notices: recoveryNoticesOf(member, { tenant, app, address, locale, now }, due, { serves, ring }),
      lease,
      audit,
    })
    if (result.kind === 'stale') continue
    if (result.kind !== 'started') return { outcome: { kind: result.kind }, entries: [] }
    const { dueAt, entries } = result
    return { outcome: { kind: 'started', dueAt, notices: entries.length }, entries }
  }
  return { outcome: { kind: 'stale' }, entries: [] }
}

/** An administrator starts the recovery of a member whom they may manage. */
export async function startRecovery(
  services: Services,
  by: ByAdministrator,
  name: string,
  namedBy: NamedBy,
  wish: RecoveryWish,
): Promise<RecoveryOutcome> {
  const tenant = by.session.tenant.id
  const member = await findMember(services, tenant, name, namedBy)
  if (!member) return { kind: 'unknown' }
  if (!mayManage(by.session.member, member)) return { kind: 'not-permitted' }
  const { outcome, entries } = await beginRecovery(services, member.id, wish, {
    ...{ tenant, app: by.session.app.id, locale: by.locale, lease: services.lease },
    startedBy: `member:${by.session.member.id}`,
    audit: auditOf(services, by, 'member.recover', member.id, { contact: wish.address.kind }),
  })
  for (const entry of entries) services.handOver(entry)
  return outcome
}

export async function cancelRecovery(
  services: Services,
  by: ByAdministrator,
  name: string,
  namedBy: NamedBy,
): Promise<CancelOutcome> {
  const tenant = by.session.tenant.id
  const member = await findMember(services, tenant, name, namedBy)
  if (!member) return { kind: 'unknown' }
  if (!mayManage(by.session.member, member)) return { kind: 'not-permitted' }
  const isCancelled = await services.store.directory.cancelRecovery({
    ...{ tenant, app: by.session.app.id, member: member.id, by: 'administrator' },
    audit: auditOf(services, by, 'member.cancel-recovery', member.id),
  })
  return { kind: isCancelled ? 'cancelled' : 'none' }
}

/** More are left to the next round. */
const maxAtOnce = 100

/** Applies the recoveries whose time has come. Others may do so at the same time; each is applied once. */
export async function applyDueRecoveries(
  services: Pick<Services, 'store' | 'clock' | 'serves' | 'ring' | 'lease' | 'handOver' | 'sessions'>,
): Promise<void> {
  for (const recovery of await services.store.directory.dueRecoveries(maxAtOnce))
    await apply(services, recovery)
}

async function apply(
  {
    store,
    clock,
    serves,
    ring,
    lease,
    handOver,
    sessions,
  }: Pick<Services, 'store' | 'clock' | 'serves' | 'ring' | 'lease' | 'handOver' | 'sessions'>,
  recovery: Recovery,
): Promise<void> {
  const { tenant, app, address, locale } = recovery
  for (let tries = 0; tries < maxTries; tries++) {
    const member = await store.directory.member(recovery.member)
    const result = await store.directory.applyRecovery({
      recovery,
      seen: member ? seenOf(member) : { phone: null, email: null },
      notices: member
        ? noticesOf(member, { tenant, app, address, locale, now: clock.now() }, { serves, ring })
        : [],
      lease,
    })
    if (result.kind === 'stale') continue
    sessions.forget(recovery.member)
    if (result.kind !== 'changed') return
    reached('after-recovery', recovery.member)
    for (const entry of result.entries) handOver(entry)
    return
  }
}
