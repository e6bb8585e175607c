/** The key of a verification and its throttle subject, from a session and an address. */

import { type Address, addressKey, limiterKey } from '../address/address.ts'
import type { Member, Session } from '../directory/directory.ts'
import type { ThrottleSubject } from '../throttle/policy.ts'
import type { Purpose, VerificationKey } from '../verification/verification.ts'

/** An act of a logged-in caller on an address. */
export type Act = {
  readonly session: Session
  readonly address: Address
  /** The client's network as limits count it, see `networkOfClient`. */
  readonly network: string
}

/** A present contact of the member is proved, any other address is stored; there are no other purposes yet. */
export function purposeFor(member: Member, address: Address): Purpose {
  const key = addressKey(address)
  const isOwn = [member.phone, member.email].some(
    (contact) => contact !== null && addressKey(contact) === key,
  )
  return isOwn ? 'own-contact' : 'new-contact'
}

export function verificationKey({ session, address }: Act, purpose: Purpose): VerificationKey {
  return {
    tenant: session.tenant.id,
    app: session.app.id,
    member: session.member.id,
    address: addressKey(address),
    purpose,
  }
}

/** A member who asks for or enters a code for a present contact is its holder; everyone else is not. */
export function throttleSubject({ session, address, network }: Act, purpose: Purpose): ThrottleSubject {
  return {
    tenant: session.tenant.id,
    app: session.app.id,
    member: session.member.id,
    limiterKey: limiterKey(address),
    network,
    isHolder: purpose === 'own-contact',
  }
}
