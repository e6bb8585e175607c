/** Who is meant by what a person types who has forgotten the password, and a stand-in for somebody who is not there. */

import type { CountryCode } from 'libphonenumber-js'
import { type Address, limiterKey, parseAddress } from '../address/address.ts'
import { phoneLibrary } from '../address/phone-library.ts'
import type { KeyRing } from '../code/key-ring.ts'
import type { App, Member } from '../directory/directory.ts'
import { passwordSubject, usedNetworkLimit } from '../throttle/password-limits.ts'
import { resetSubject } from '../verification/subject.ts'
import type { Services } from './services.ts'
import type { Act } from './subject.ts'

/** What was typed, and who it means. */
export type ForgottenPerson = {
  /** The address that was typed; undefined: it was an account. */
  readonly typed: Address | undefined
  /** undefined: nobody, or somebody who has no password, is disabled, or shares the address with another member. */
  readonly member: Member | undefined
}

/** Looks for an account and for an address, whatever was typed, so that both take the same time. */
export async function personOf(
  { store: { directory }, addressRules }: Pick<Services, 'store' | 'addressRules'>,
  user: string,
): Promise<ForgottenPerson> {
  const parsed = parseAddress(user, addressRules)
  const typed = parsed.kind === 'refused' ? undefined : parsed.address
  const [byAccount, byAddress] = await Promise.all([
    directory.memberByLogin(user),
    directory.membersWithPassword(typed ?? nowhere),
  ])
  // Before the account: whoever takes somebody's mailbox for an account in another tenant keeps nobody from theirs.
  if (byAddress.length === 1) return { typed, member: enabled(byAddress[0]) }
  return byAccount ? { typed: undefined, member: enabled(byAccount) } : { typed, member: undefined }
}

function enabled(member: Member | undefined): Member | undefined {
  return member?.isDisabled ? undefined : member
}

const nowhere = mailboxOf('nobody')

/** The act of sending or entering a code for a member. @param network  The client's, see `networkOf`. */
export async function actFor(
  { store, ring }: Pick<Services, 'store' | 'ring'>,
  app: App,
  member: Member,
  address: Address,
  network: string,
): Promise<Act> {
  const used = usedNetworkLimit(passwordSubject(member.account, network))
  return {
    app,
    tenant: member.tenant,
    subject: resetSubject(member.id, keyedDigest(ring, network)),
    address,
    purpose: 'reset-password',
    network,
    // From where the member logged in before: strangers cannot use up what is kept for a holder.
    isHolder: await store.limiters.isHeld(used.key),
  }
}

/**
 * The same for nobody: of no tenant, and about a mailbox that is made from what was typed.
 * @param kind  Of the contact that an account might have.
 */
export async function actForNobody(
  { store, ring }: Pick<Services, 'store' | 'ring'>,
  user: string,
  { typed }: ForgottenPerson,
  kind: Address['kind'],
  network: string,
): Promise<Act> {
  // One address has one name however it is spelled, as for a member.
  const name = keyedDigest(ring, typed ? limiterKey(typed) : `${kind} ${user}`)
  // As for a member, to take as long.
  await store.limiters.isHeld(usedNetworkLimit(passwordSubject(name, network)).key)
  return {
    app: nobodysApp,
    tenant: 'nobody',
    subject: resetSubject(name, keyedDigest(ring, network)),
    address: mailboxOf(name),
    purpose: 'reset-password',
    network,
    isHolder: false,
  }
}

/** By its policy, which is that of the installation, all codes of forgotten passwords are made. */
export const nobodysApp: App = {
  id: '0'.repeat(32),
  tenant: 'nobody',
  name: '',
  sealedKey: '',
  isServiceProvider: false,
  isDisabled: false,
  policy: {},
  description: '',
  previousKey: null,
  createdAt: 0,
  updatedAt: 0,
}

/** Never a mailbox of anyone (RFC 2606). */
function mailboxOf(name: string): Address {
  const mailbox = `${name}@nobody.invalid`
  return { kind: 'email', mailbox, canonical: mailbox, needsSmtpUtf8: false }
}

/** Of a text that is not stored itself: what an unknown person typed, or a network. */
function keyedDigest(ring: KeyRing, text: string): string {
  return ring.newest.codeMac(JSON.stringify(['countersign-unknown-1', text])).slice(0, 32)
}

/** An address as the answer shows it (contract, section 1): `+86181****2345`, `tes****ount@huawei.com`. */
export function shownAddress(address: Address): string {
  if (address.kind === 'phone') {
    const { e164 } = address
    const tail = Math.min(4, Math.max(0, e164.length - 8))
    return `${e164.slice(0, Math.max(0, e164.length - 4 - tail))}****${e164.slice(e164.length - tail)}`
  }
  const at = address.mailbox.lastIndexOf('@')
  const letters = [...address.mailbox.slice(0, at)]
  // Four letters stay hidden at least.
  const shown = Math.min(7, Math.max(0, letters.length - 4))
  const head = Math.min(3, shown)
  return `${letters.slice(0, head).join('')}****${letters.slice(letters.length - (shown - head)).join('')}${address.mailbox.slice(at)}`
}

/** The kind of contact that an account might have which does not exist: one of four has no number. */
export function kindLike({ ring }: Pick<Services, 'ring'>, user: string): Address['kind'] {
  return Number.parseInt(keyedDigest(ring, `kind ${user}`)[0]!, 16) < 4 ? 'email' : 'phone'
}

/**
 * An address of nobody, for an account that does not exist or that has no address of the kind. It is made from the account
 * and the settings alone: from those of members, strangers would learn the domains of customers.
 * @param region  That numbers of the installation are of, if its settings name one.
 */
export function addressLike(
  { ring }: Pick<Services, 'ring'>,
  user: string,
  kind: Address['kind'],
  region = 'CN',
): Address {
  const digest = BigInt(`0x${keyedDigest(ring, `${kind} ${user}`)}`)
  const pick = <T>(all: readonly T[]): T => all[Number(digest % BigInt(all.length))]!
  if (kind === 'phone') {
    const digits = ((digest >> 8n) % 10n ** 8n).toString().padStart(8, '0')
    const start =
      region === 'CN'
        ? pick(mobileStarts)
        : `+${phoneLibrary().getCountryCallingCode(region as CountryCode)}${pick(['15', '17', '60', '70'])}`
    return { kind, e164: start + digits, region }
  }
  const [local = '', domain = pick(mailDomains)] = user.split('@')
  const mailbox = `${local.replace(/[^A-Za-z0-9._-]/g, '') || 'member'}@${domain}`
  return { kind, mailbox, canonical: mailbox.toLowerCase(), needsSmtpUtf8: false }
}

/** Of China’s three carriers. */
const mobileStarts = [
  '+86130',
  '+86131',
  '+86133',
  '+86135',
  '+86136',
  '+86137',
  '+86138',
  '+86139',
  '+86150',
].concat(['+86151', '+86152', '+86153', '+86155', '+86158', '+86159', '+86177', '+86180', '+86186', '+86188'])
const mailDomains = ['qq.com', '163.com', '126.com', 'gmail.com', 'outlook.com', 'foxmail.com']
