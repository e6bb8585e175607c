/** Who an act is for: a person, an address and a purpose, asked for by an app. */

import { type Address, addressKey, addressOfKey, limiterKey } from '../address/address.ts'
import type { App, Member, Session } from '../directory/directory.ts'
import { readIpAddress } from '../network/ip-address.ts'
import { networkOf } from '../network/network.ts'
import type { Limit } from '../throttle/acquire.ts'
import { forgottenSubject, undoSubject } from '../throttle/limits-without-login.ts'
import type { ThrottleSubject } from '../throttle/policy.ts'
import type { Purpose, Verification, VerificationKey } from '../verification/verification.ts'

/** An act of an app on an address, for a person: a member who is logged in, or anyone whom the app knows. */
export type Act = {
  readonly app: App
  /** The tenant that it is for. That of a service provider's act may be another than the app's. */
  readonly tenant: string
  /** The person, see `VerificationKey`. */
  readonly subject: string
  readonly address: Address
  readonly purpose: Purpose
  /** The client's network as limits count it; undefined if the caller does not name the client. */
  readonly network: string | undefined
  /** Whether the subject holds the address already: a member has it as a contact, of others the caller states it. */
  readonly isHolder: boolean
}

/** An act of a logged-in member on an address. */
export type MemberAct = {
  readonly session: Session
  readonly address: Address
  /** The client's network as limits count it, see `networkOfClient`. */
  readonly network: string
}

/** A present contact of the member is proved, any other address is stored; members have no other purposes. */
export function purposeFor(member: Member, address: Address): Purpose {
  const key = addressKey(address)
  const isOwn = [member.phone, member.email].some(
    (contact) => contact !== null && addressKey(contact) === key,
  )
  return isOwn ? 'own-contact' : 'new-contact'
}

/** A member who asks for or enters a code for a present contact is its holder; everyone else is not. */
export function actOf(
  { session, address, network }: MemberAct,
  purpose = purposeFor(session.member, address),
): Act {
  return {
    app: session.app,
    tenant: session.tenant.id,
    subject: session.member.id,
    address,
    purpose,
    network,
    isHolder: purpose === 'own-contact',
  }
}

/**
 * An act on a verification of someone who is no member.
 * @param network  That of the client who acts, see `networkOfClient`; else that of the client whom the start named.
 */
export function actOfRecord(
  app: App,
  { tenant, subject, address, purpose, details }: Verification,
  network = networkInApp(app, details?.client?.ip),
): Act {
  const isHolder = details?.holder ?? false
  return { app, tenant, subject, address: addressOfKey(address), purpose, network, isHolder }
}

/** It counts within the app alone, so that a careless or hostile app cannot use up limits elsewhere. */
export function networkInApp({ id }: Pick<App, 'id'>, ip: string | undefined): string | undefined {
  const address = ip === undefined ? undefined : readIpAddress(ip)
  return address === undefined ? undefined : `${id}/${networkOf(address)}`
}

export function verificationKey({ tenant, app, subject, address, purpose }: Act): VerificationKey {
  return { tenant, app: app.id, subject, address: addressKey(address), purpose }
}

/**
 * A test key counts against its own subjects, and against its app's limits on a count of their own: no address, network or
 * app is refused a real code because of tests, and a test key that leaked floods nobody.
 */
export function limitsInWorld(limits: readonly Limit[], isTest: boolean): readonly Limit[] {
  if (!isTest) return limits
  return limits.flatMap((limit) => {
    if (limit.scope.startsWith('member')) return limit
    return limit.scope.startsWith('app') ? { ...limit, key: limit.key.replace(':', ':test:') } : []
  })
}

export function throttleSubject(act: Act): ThrottleSubject {
  const { app, address, network, isHolder } = act
  const common = { app: app.id, limiterKey: limiterKey(address), network, isHolder }
  // Anybody may ask for these codes and enter them, so they count against nobody's allowance elsewhere.
  if (act.purpose === 'undo-change') return { ...common, ...undoSubject(common.limiterKey, isHolder) }
  if (act.purpose === 'reset-password') return { ...common, ...forgottenSubject(act.subject) }
  return { ...common, tenant: act.tenant, subject: act.subject }
}
