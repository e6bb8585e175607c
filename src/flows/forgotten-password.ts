/**
 * A forgotten password, after the puzzle: a code to a contact, and with it a new password. Somebody unknown gets the same
 * answers in the same time, and never a right code.
 */

import { type Address, addressKey } from '../address/address.ts'
import { makeStep, openStep } from '../code/step-token.ts'
import type { App, Member } from '../directory/directory.ts'
import { isStrongPassword } from '../directory/password-rules.ts'
import type { Throttled } from '../throttle/acquire.ts'
import { networkLimits } from '../throttle/limits-without-login.ts'
import { keysOfOwner, passwordSubject, usedNetworkLimit } from '../throttle/password-limits.ts'
import { countUse } from './count-use.ts'
import { inSteps } from './equal-steps.ts'
import {
  actFor,
  actForNobody,
  addressLike,
  type ForgottenPerson,
  kindLike,
  nobodysApp,
  personOf,
  shownAddress,
} from './forgotten-person.ts'
import { isReachable, issueCode } from './issue-code.ts'
import { setPassword } from './passwords.ts'
import type { Services } from './services.ts'
import { stepMs, useStep } from './slide-puzzle.ts'
import type { Act } from './subject.ts'
import { submitCode } from './submit-code.ts'

/** Who asks. */
export type ForgottenBy = {
  /** As typed: an account, a number or a mailbox. The same in every step. */
  readonly user: string
  /** The client's, see `networkOf`. */
  readonly network: string
  readonly locale: string
}

/** Somebody known costs more than somebody unknown, by some milliseconds. */
const answerStepMs = 100

/** Codes that a network may enter without a login, and a site five times as many: each writes limiters, of anybody. */
const checkKeys = { network: 'zc', site: 'zcs' }
const checkRules = [{ max: 120, perMs: 3_600_000 }] as const

type Kind = Address['kind']
const kinds = ['phone', 'email'] as const
const channelOf = { phone: 'sms', email: 'email' } as const

export type ResetCodeSent =
  | {
      readonly kind: 'sent'
      /** Where to, masked; for somebody unknown, where it might have been. */
      readonly to: string
      readonly by: Kind
      readonly lifetimeMs: number
    }
  /** The token is of no solved puzzle of this user, over, or used. */
  | { readonly kind: 'no-puzzle' }
  /** No carrier serves the address that was typed. */
  | { readonly kind: 'unreachable' }
  | Throttled

/**
 * Sends a code to a contact of the user.
 * @param token  Of the solved puzzle. It is used up.
 * @param wanted  The kind of contact, if the user is an account; undefined: the number, else the mailbox.
 */
export async function sendResetCode(
  services: Services,
  by: ForgottenBy,
  token: string,
  wanted: Kind | undefined,
): Promise<ResetCodeSent> {
  const { store, ring, clock } = services
  const step = openStep(ring, token, 's', clock.now(), [by.user, 'forgotten-password'])
  if (!step || !(await useStep(store, step))) return { kind: 'no-puzzle' }
  return inSteps(answerStepMs, async () => {
    const person = await personOf(services, by.user)
    const owner = await ownerOf(services, person)
    const target = owner && reachedOf(services, owner, person, wanted)
    const stranger = target ? undefined : strangerOf(services, by.user, person, wanted)
    const to = target ?? stranger!
    const act = target
      ? await actFor(services, owner.app, owner.member, target, by.network)
      : await actForNobody(services, by.user, person, to.kind, by.network)
    // Where nobody is meant only the address that was typed decides, as for a member.
    if (!target && person.typed && !isReached(services, act, to)) return { kind: 'unreachable' }
    const { digits, lifetimeMs } = services.policyOf(nobodysApp)
    const outcome = await issueCode(services, act, {
      channel: channelOf[to.kind],
      locale: by.locale,
      digits,
      lifetimeMs: lifetimeMs.reset,
      isSilent: !target,
    })
    if (outcome.kind === 'throttled' || outcome.kind === 'unreachable') return outcome
    return { kind: 'sent', to: shownAddress(to), by: to.kind, lifetimeMs: lifetimeMs.reset }
  })
}

export type ResetCodeChecked =
  | { readonly kind: 'right'; readonly token: string }
  | { readonly kind: 'refused' }
  | Throttled

/** Checks the code. The call names no channel, so for an account the code of either contact is right. */
export function checkResetCode(
  services: Services,
  by: ForgottenBy,
  entered: string,
): Promise<ResetCodeChecked> {
  const { store, ring, clock } = services
  return inSteps(answerStepMs, async () => {
    if (services.hasLimits) {
      const acquired = await store.limiters.acquire(networkLimits(checkKeys, by.network, checkRules))
      if (acquired.kind === 'throttled') return acquired
    }
    const person = await personOf(services, by.user)
    const owner = await ownerOf(services, person)
    let throttled: Throttled | undefined
    const wrong = []
    for (const kind of person.typed ? [person.typed.kind] : kinds) {
      const address = owner && (person.typed ?? owner.member[kind])
      const act = address
        ? await actFor(services, owner.app, owner.member, address, by.network)
        : await actForNobody(services, by.user, person, kind, by.network)
      const submitted = await submitCode(services, { act, entersFor: 'verify', entered })
      if (submitted.kind === 'throttled') throttled = submitted
      // Where no code was sent none can be wrong: the hit goes back with a right one for the other contact.
      if (submitted.kind === 'refused' && submitted.reason === 'unknown') wrong.push(...submitted.wrong)
      if (submitted.kind !== 'match' || !owner) continue
      const { record } = submitted
      const hits = [...submitted.wrong, ...wrong]
      const used = await store.verifications.use({ id: record.id, wrong: hits, consumes: true })
      if (!used) continue
      countUse(services, record, used)
      return {
        kind: 'right',
        token: makeStep(ring, 'c', clock.now() + stepMs, boundTo(by.user, owner.member)),
      }
    }
    return throttled ?? { kind: 'refused' }
  })
}

export type ForgottenOutcome =
  /** All logins of the member have ended, and all contacts are told. */
  | { readonly kind: 'done' }
  /** The token is of no right code of this user, over, or used; or the password was changed since. */
  | { readonly kind: 'no-code' }
  | { readonly kind: 'weak-password' }
  | { readonly kind: 'busy' }

/**
 * Sets the new password.
 * @param token  Of the right code. It is about the password before: once that has changed, it is worth nothing.
 */
export function setForgottenPassword(
  services: Services,
  by: ForgottenBy,
  token: string,
  password: string,
  isTemporary: boolean,
): Promise<ForgottenOutcome> {
  const { ring, clock } = services
  return inSteps(answerStepMs, async () => {
    const owner = await ownerOf(services, await personOf(services, by.user))
    const step = owner && openStep(ring, token, 'c', clock.now(), boundTo(by.user, owner.member))
    if (!step) return { kind: 'no-code' }
    const { member, app } = owner
    if (!(await isStrongPassword(password, member.account))) return { kind: 'weak-password' }
    const { kind } = await setPassword(services, member, password, {
      app: app.id,
      locale: by.locale,
      isTemporary,
    })
    if (kind === 'busy') return { kind }
    if (kind !== 'done') return { kind: 'no-code' }
    // The password is set, whatever becomes of this.
    await forgiveWrongPasswords(services, member, by.network).catch(() => undefined)
    return { kind: 'done' }
  })
}

/** A token of a right code is worth nothing once the password or a contact has changed, by any way. */
function boundTo(user: string, { id, passwordHash, phone, email }: Member): readonly string[] {
  const contacts = [phone, email].map((contact) => (contact ? addressKey(contact) : ''))
  return [user, id, passwordHash ?? '', ...contacts]
}

/** Whoever forgot it has typed wrong ones, and must not be locked out with the right one. */
async function forgiveWrongPasswords(
  { store: { limiters } }: Services,
  { account }: Member,
  network: string,
): Promise<void> {
  const subject = passwordSubject(account, network)
  await limiters.acquire([usedNetworkLimit(subject)])
  const nothing = { limits: [], at: 0 }
  await limiters.settle({ reservation: nothing, counts: false, emptied: keysOfOwner(subject) })
}

type Owner = { readonly member: Member; readonly app: App }

/** The member with the app that its account logins count as; undefined also if that app may not do this. */
async function ownerOf(
  { store: { directory }, policyOf }: Services,
  { member }: ForgottenPerson,
): Promise<Owner | undefined> {
  if (!member) return undefined
  const tenant = await directory.tenant(member.tenant)
  const app = tenant && (await directory.app(tenant.accountApp))
  return app && !app.isDisabled && policyOf(app).calls.includes('passwords') ? { member, app } : undefined
}

/** Where a code for nobody would have gone: what was typed, or what an account might have. */
function strangerOf(
  services: Services,
  user: string,
  { typed }: ForgottenPerson,
  wanted: Kind | undefined,
): Address {
  if (typed) return typed
  const region = services.policyOf(nobodysApp).regions?.[0]
  const like = (kind: Kind) => addressLike(services, user, kind, region)
  const first = like(wanted ?? kindLike(services, user))
  if (wanted || isReached(services, { app: nobodysApp, tenant: 'nobody' }, first)) return first
  return like(first.kind === 'phone' ? 'email' : 'phone')
}

/** The contact that the code goes to: the one that was typed, or the first of the wanted kind that a carrier serves. */
function reachedOf(
  services: Services,
  { member, app }: Owner,
  { typed }: ForgottenPerson,
  wanted: Kind | undefined,
): Address | undefined {
  if (typed) return typed
  return (
    (wanted ? [wanted] : kinds)
      .map((kind) => member[kind])
      .find((address) => address && isReached(services, { app, tenant: member.tenant }, address)) ?? undefined
  )
}

function isReached(services: Services, { app, tenant }: Pick<Act, 'app' | 'tenant'>, to: Address): boolean {
  const channel = channelOf[to.kind]
  return isReachable(services, { app }, { channel, to, tenant, app: app.id, isSandboxed: false })
}
