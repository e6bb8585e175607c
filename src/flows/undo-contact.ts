/** Undoes a change of a contact, or stops a recovery, for whoever proves the contact again. Needs no login. */

import { type Address, addressKey } from '../address/address.ts'
import { addressTag } from '../code/address-tag.ts'
import { reached } from '../delivery/crash-points.ts'
import type { FormerContact, Recovery } from '../directory/contact-history.ts'
import type { App, Member } from '../directory/directory.ts'
import type { Throttled } from '../throttle/acquire.ts'
import { countUse } from './count-use.ts'
import { handOver, issueCode } from './issue-code.ts'
import { noticesOf } from './notices.ts'
import type { Services } from './services.ts'
import type { Act } from './subject.ts'
import { submitCode } from './submit-code.ts'
import { isUndoReference } from './undo-reference.ts'

export type UndoRequest = {
  readonly address: Address
  /** From the notice of the change; absent or wrong: what strangers may still ask for. */
  readonly reference: string | undefined
  /** The client's network as limits count it. */
  readonly network: string
  readonly locale: string
}

export type UndoRequestOutcome = { readonly kind: 'asked' } | Throttled

export type UndoOutcome =
  | { readonly kind: 'undone' | 'stopped' | 'refused' }
  /** Another member has the address by now. Only who entered the right code learns it. */
  | { readonly kind: 'bound' }
  | Throttled

const maxTries = 3

type Target = {
  readonly act: Act
  readonly app: App
  /** The newest change that the holder of the address may undo. */
  readonly former: FormerContact | undefined
  /** Of the member who has the address. */
  readonly recovery: Recovery | undefined
}

/**
 * Sends a code to a contact that somebody had lately, or of whose member a recovery is under way. Otherwise a code is
 * made that nobody gets, so that neither the outcome nor the limits show the difference.
 */
export async function requestUndo(services: Services, request: UndoRequest): Promise<UndoRequestOutcome> {
  const target = await targetOf(services, request)
  if (!target) return { kind: 'asked' }
  const { act, app, former, recovery } = target
  const { digits, lifetimeMs } = services.policyOf(app)
  const channel = act.address.kind === 'phone' ? 'sms' : 'email'
  const outcome = await issueCode(services, act, {
    channel,
    locale: request.locale,
    digits,
    lifetimeMs: lifetimeMs[channel],
    isSilent: !former && !recovery,
  })
  return outcome.kind === 'throttled' ? outcome : { kind: 'asked' }
}

/** @param entered  The code, as the person typed it. */
export async function confirmUndo(
  services: Services,
  request: UndoRequest,
  entered: string,
): Promise<UndoOutcome> {
  const outcome = await confirm()
  services.metrics.submissions.inc({ act: 'undo', outcome: outcome.kind })
  return outcome

  async function confirm(): Promise<UndoOutcome> {
    const target = await targetOf(services, request)
    if (!target) return { kind: 'refused' }
    const submitted = await submitCode(services, { act: target.act, entersFor: 'undo', entered })
    if (submitted.kind === 'throttled') return submitted
    if (submitted.kind !== 'match') return { kind: 'refused' }
    if (target.recovery) return stop(target, target.recovery, submitted)
    return target.former ? undo(target, target.former, submitted) : { kind: 'refused' }
  }

  type Right = Extract<Awaited<ReturnType<typeof submitCode>>, { kind: 'match' }>

  async function undo({ act, app }: Target, former: FormerContact, right: Right): Promise<UndoOutcome> {
    const { store, clock, serves, undo: times, lease, ring } = services
    const { tenant, address } = act
    for (let tries = 0; tries < maxTries; tries++) {
      const member = await store.directory.member(former.member)
      if (!member) return { kind: 'refused' }
      const changed = { tenant, app: app.id, address, locale: request.locale, now: clock.now() }
      const result = await store.directory.undoContact({
        ...{ tenant, app: app.id, member: member.id, address, seen: seenOf(member), lease },
        ...{ verification: right.record.id, wrong: right.wrong },
        ...{ windowMs: times.windowMs, barMs: times.barMs },
        notices: noticesOf(member, changed, { serves, ring }),
      })
      if (result.kind === 'stale') continue
      services.sessions.forget(member.id)
      if (result.kind !== 'changed') {
        const { kind: reason } = result
        services.recordRefusal(act, { act: 'undo', reason, verification: right.record.id })
        return result
      }
      reached('after-use', right.record.id)
      countUse(services, right.record, result.used)
      for (const entry of result.entries) handOver(services, entry)
      return { kind: 'undone' }
    }
    return { kind: 'refused' }
  }

  async function stop({ act, app }: Target, recovery: Recovery, right: Right): Promise<UndoOutcome> {
    const { store, lease } = services
    const { tenant, address } = act
    const member = await store.directory.member(recovery.member)
    if (!member) return { kind: 'refused' }
    const result = await store.directory.stopRecovery({
      ...{ tenant, app: app.id, member: member.id, address, lease },
      ...{ verification: right.record.id, wrong: right.wrong },
      notices: [],
    })
    if (result.kind === 'refused') return result
    countUse(services, right.record, result.used)
    for (const entry of result.entries) handOver(services, entry)
    return { kind: 'stopped' }
  }
}

export function seenOf({ phone, email }: Member): Pick<Member, 'phone' | 'email'> {
  return { phone, email }
}

/** undefined: the installation has no tenant yet. */
async function targetOf(
  { store: { directory }, clock, undo, ring }: Services,
  { address, reference, network }: UndoRequest,
): Promise<Target | undefined> {
  const { former, recoveries } = await directory.undoable(address)
  const recovery = recoveries[0]
  const recent = former.find((one) => one.changedAt + undo.windowMs > clock.now())
  const tenantId = recovery?.tenant ?? recent?.tenant ?? (await directory.tenants())[0]?.id
  const tenant = tenantId === undefined ? undefined : await directory.tenant(tenantId)
  const app = tenant && (await directory.app(tenant.accountApp))
  if (!tenant || !app) return undefined
  const isHolder = reference !== undefined && isUndoReference(ring, address, reference)
  // Whoever names the reference has a code apart from that of strangers, who could use up its submissions.
  const subject = `undo${isHolder ? '-holder' : ''}:${addressTag(ring.newest, addressKey(address))}`
  const act: Act = { app, tenant: tenant.id, subject, address, purpose: 'undo-change', network, isHolder }
  return { act, app, former: recent, recovery }
}
