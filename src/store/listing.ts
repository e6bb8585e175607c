/**
 * The entry of a member in lists: what they are sorted, filtered and searched by, apart from the member, whom every login
 * reads. Every order of lists has an index of its own that holds the whole entry, so a search reads one index from end to
 * end, and nothing else: some 20 ms for 100,000 members. An index of parts of words would be quicker for rare words, and
 * slower for the one letter that people type first; see docs/decisions/0026.
 */

import type { Address } from '../address/address.ts'
import type { AdminRole, Member } from '../directory/directory.ts'
import { storable } from './storable.ts'

export type Listing = {
  readonly tenant: string
  readonly member: string
  readonly sort_level: number
  /** As it is compared: see `searchable`. */
  readonly name: string
  readonly account: string
  readonly dept_code: string
  readonly role: AdminRole
  readonly is_disabled: boolean
  /** Name, English name, accounts, e-mail and phone, each in a line of its own. */
  readonly words: string
  /** The phone, if other members must not see it, nor find the member by it; otherwise empty. */
  readonly hidden: string
}

/** An entry of an index has a bound of some 2700 bytes. No field that a face takes is longer than this. */
const maxCharacters = 128

/** A text in the form in which it is searched and sorted: capital letters and wide digits are as good as plain ones. */
export function searchable(text: string): string {
  return storable(
    text
      .normalize('NFKC')
      .toLowerCase()
      .replaceAll(/\p{Cc}+/gu, ' '),
  )
}

export function listingOf(member: Member): Listing {
  const { id, tenant, account, thirdAccount, profile, phone, email, hidesPhone } = member
  const of = (text = '') => searchable(text).slice(0, maxCharacters).toWellFormed()
  const number = phone ? shown(phone) : ''
  const words = [
    profile.name,
    profile.englishName,
    account,
    thirdAccount,
    email && shown(email),
    hidesPhone ? '' : number,
  ]
  return {
    tenant,
    member: id,
    sort_level: member.sortLevel,
    name: of(profile.name),
    account: of(account),
    dept_code: member.deptCode,
    role: member.role,
    is_disabled: member.isDisabled,
    words: [...new Set(words.flatMap((word) => (word ? [of(word)] : [])))].join('\n'),
    hidden: hidesPhone ? number : '',
  }
}

function shown(address: Address): string {
  return address.kind === 'phone' ? address.e164 : address.mailbox
}

export function isSameListing(a: Listing, b: Listing): boolean {
  return (Object.keys(a) as (keyof Listing)[]).every((field) => a[field] === b[field])
}
