/** Whether a change of contact was decided on contacts that its member no longer has. */

import { type Address, addressKey } from '../address/address.ts'
import type { Member } from '../directory/directory.ts'
import type { ContactChange } from './directory.ts'

export function isStale(member: Member, seen: ContactChange['seen']): boolean {
  return !isSame(member.phone, seen.phone) || !isSame(member.email, seen.email)
}

function isSame(a: Address | null, b: Address | null): boolean {
  return a === null || b === null ? a === b : addressKey(a) === addressKey(b)
}
