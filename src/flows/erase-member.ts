/** Erases people who were members: the member, with its logins and live codes, and then all that was kept about it. */

import { setTimeout as pause } from 'node:timers/promises'
import { addressKey, limiterKey } from '../address/address.ts'
import { addressTags } from '../code/address-tag.ts'
import type { KeyRing } from '../code/key-ring.ts'
import type { FormerMember, Member } from '../directory/directory.ts'
import type { NewAuditEntry } from '../store/audit.ts'
import { type ErasedPerson, limitedNames } from '../store/erasure.ts'
import type { Store } from '../store/store.ts'
import { passwordSubject } from '../throttle/password-limits.ts'
import { limiterDigest } from '../throttle/policy.ts'

export type ErasureOutcome = { readonly kind: 'erased' | 'unknown' | 'default-administrator' }

/** So many are erased at once, since each erasure goes through all tables. */
const maxAtOnce = 500
/** After this time another process takes over what a process that was killed had begun. */
const leaseMs = 15_000
const lookAgainMs = 100

/** All that leads to what the store keeps about a deleted member. */
async function erasedPerson(
  { directory }: Store,
  ring: KeyRing,
  { tenant, id, account, contacts }: FormerMember,
): Promise<ErasedPerson> {
  // Else who deletes a member with the account of somebody elsewhere would have that one's passwords guessed anew.
  const isLogin = (await directory.memberByLogin(account)) !== undefined
  const holders = await Promise.all(contacts.map((one) => directory.memberByAddress(tenant, one)))
  // What is kept about an address is about whoever has it now.
  const addresses = contacts.filter((_, nth) => !holders[nth])
  return {
    tenant,
    member: id,
    addresses: addresses.map(addressKey),
    tags: addresses.flatMap((one) => addressTags(ring, addressKey(one))),
    limited: limitedNames(
      tenant,
      id,
      isLogin ? '' : passwordSubject(account, '').account,
      addresses.map((one) => limiterDigest(limiterKey(one))),
    ),
  }
}

/**
 * Erases deleted members whose turn it is. What a failure leaves comes again after the lease.
 * @returns Whether there may be more.
 */
export async function eraseDeleted(store: Store, ring: KeyRing): Promise<boolean> {
  const former = await store.erasures.claim(maxAtOnce, leaseMs)
  if (former.length === 0) return false
  const ids = former.map(({ id }) => id)
  const renewing = setInterval(() => {
    store.erasures.renew(ids, leaseMs).catch(() => undefined)
  }, leaseMs / 3).unref()
  try {
    await store.erasures.erase(await Promise.all(former.map((one) => erasedPerson(store, ring, one))))
  } finally {
    clearInterval(renewing)
  }
  return former.length === maxAtOnce
}

/** Deletes a member, and returns when nothing is kept about it any more, whichever process erased it. */
export async function eraseMember(
  store: Store,
  ring: KeyRing,
  { id, account, tenant }: Member,
  audit: NewAuditEntry,
): Promise<ErasureOutcome> {
  const result = await store.directory.deleteMembers({ tenant, members: [{ id, account }], audit: [audit] })
  if (result.kind === 'refused') return { kind: result.reason }
  await eraseDeleted(store, ring)
  while (await store.erasures.areLeft([id])) {
    await pause(lookAgainMs)
    await eraseDeleted(store, ring)
  }
  return { kind: 'erased' }
}
