/** What an address is: the union of the kinds, its identity, its limiter key and its mask. */

import type { EmailAddress } from './email-address.ts'
import type { PhoneNumber } from './phone-number.ts'

export type Address = PhoneNumber | EmailAddress
