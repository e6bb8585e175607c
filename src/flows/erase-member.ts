/** Erases a person: the member, with its logins and live codes, and then all that was kept about it. */

import { addressKey, limiterKey } from '../address/address.ts'
import { addressTags } from '../code/address-tag.ts'
import type { KeyRing } from '../code/key-ring.ts'
import type { Member } from '../directory/directory.ts'
import type { NewAuditEntry } from '../store/audit.ts'
import { type ErasedPerson, limitedNames } from '../store/erasure.ts'
import type { Store } from '../store/store.ts'
import { passwordSubject } from '../throttle/password-limits.ts'
import { limiterDigest } from '../throttle/policy.ts'

export type ErasureOutcome = { readonly kind: 'erased' | 'unknown' | 'default-administrator' }

/** All that leads to what the store keeps about a member. Made while its addresses are known. */
export function erasedPerson(
  ring: KeyRing,
  { tenant, id, account, phone, email }: Pick<Member, 'tenant' | 'id' | 'account' | 'phone' | 'email'>,
): ErasedPerson {
  const addresses = [phone, email].filter((one) => one !== null)
  return {
    tenant,
    member: id,
    addresses: addresses.map(addressKey),
    tags: addresses.flatMap((one) => addressTags(ring, addressKey(one))),
    limited: limitedNames(
      tenant,
      id,
      passwordSubject(account, '').account,
      addresses.map((one) => limiterDigest(limiterKey(one))),
    ),
  }
}

export async function eraseMember(
  store: Store,
  ring: KeyRing,
  member: Member,
  audit: NewAuditEntry,
): Promise<ErasureOutcome> {
  const { id, account, tenant } = member
  const result = await store.directory.deleteMembers({ tenant, members: [{ id, account }], audit: [audit] })
  if (result.kind === 'refused') return { kind: result.reason }
  await store.erase(erasedPerson(ring, member))
  return { kind: 'erased' }
}
