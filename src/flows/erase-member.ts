/** Erases people who were members: the member, with its logins and live codes, and then all that was kept about it. */

import { setTimeout as pause } from 'node:timers/promises'
import { type Address, addressKey, limiterKey } from '../address/address.ts'
import { addressTags } from '../code/address-tag.ts'
import type { KeyRing } from '../code/key-ring.ts'
import type { FormerMember, Member } from '../directory/directory.ts'
import type { NewAuditEntry } from '../store/audit.ts'
import type { ErasedPeople } from '../store/erasure.ts'
import type { Store } from '../store/store.ts'
import { undoLimited } from '../throttle/limits-without-login.ts'
import { passwordSubject } from '../throttle/password-limits.ts'
import { digestOf, nameOf } from '../throttle/policy.ts'
import { subjectOf, subjectOfWord } from '../verification/subject.ts'

export type ErasureOutcome = { readonly kind: 'erased' | 'unknown' | 'default-administrator' }

/** So many are erased at once, since each erasure goes through all tables. */
const maxAtOnce = 100
/** After this time another process takes over what a process that was killed had begun. */
const leaseMs = 15_000
const lookAgainMs = 100

/** All that leads to what the store keeps about deleted members of one tenant. */
async function erasedPeople(
  { directory }: Store,
  ring: KeyRing,
  tenant: string,
  former: readonly FormerMember[],
): Promise<ErasedPeople> {
  const apps = await directory.apps(tenant)
  const addresses: Address[] = []
  const limitedAnywhere: string[] = []
  for (const { account, contacts } of former) {
    // Else who deletes a member with the account of somebody elsewhere would have that one's passwords guessed anew.
    if (account !== '' && !(await directory.memberByLogin(account)))
      limitedAnywhere.push(passwordSubject(account, '').account)
    // What is kept about an address is about whoever has it now.
    for (const one of contacts) if (!(await directory.memberByAddress(tenant, one))) addresses.push(one)
  }
  for (const one of addresses) {
    const { former, recoveries } = await directory.undoable(one)
    // Else who gives a member a stranger's number and deletes it again would have the stranger's undoing guessed anew.
    if (former.length === 0 && recoveries.length === 0) limitedAnywhere.push(...undoLimited(limiterKey(one)))
  }
  // An app may know a member by its id.
  const subjects = former.flatMap(({ id }) => [id, subjectOfWord(id, false), subjectOfWord(id, true)])
  const isTest = [false, true]
  const bare = addresses.flatMap((one) => isTest.map((test) => subjectOf(undefined, one, test)))
  return {
    tenant,
    subjects,
    addresses,
    tags: addresses.flatMap((one) => addressTags(ring, addressKey(one))),
    limited: [
      ...addresses.map((one) => digestOf(limiterKey(one))),
      ...[...subjects, ...bare].flatMap((subject) =>
        subject.includes(':') ? apps.map(({ id }) => nameOf({ app: id, subject })) : [subject],
      ),
    ],
    limitedAnywhere,
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
    for (const [tenant, some] of Map.groupBy(former, (one) => one.tenant))
      await store.erasures.erase(await erasedPeople(store, ring, tenant, some))
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
