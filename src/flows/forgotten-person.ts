/** Who is meant by what a person types who has forgotten the password, and a stand-in for somebody who is not there. */

import { hash } from 'node:crypto'
import { type Address, addressKey, parseAddress } from '../address/address.ts'
import type { KeyRing } from '../code/key-ring.ts'
import type { App, Member } from '../directory/directory.ts'
import { onceForEach } from '../once-for-each.ts'
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
  const address = parsed.kind === 'refused' ? undefined : parsed.address
  const [byAccount, byAddress] = await Promise.all([
    directory.memberByLogin(user),
    directory.membersWithPassword(address ?? nowhere),
  ])
  // An account may look like an address. It is what logins ask for, so it goes before.
  if (byAccount) return { typed: undefined, member: enabled(byAccount) }
  return { typed: address, member: byAddress.length === 1 ? enabled(byAddress[0]) : undefined }
}

function enabled(member: Member | undefined): Member | undefined {
  return member?.isDisabled ? undefined : member
}

const nowhere = mailboxOf('nobody')

/** The act of sending or entering a code for a member. @param network  The client's, see `networkOf`. */
export async function actFor(
  { store }: Pick<Services, 'store'>,
  app: App,
  member: Member,
  address: Address,
  network: string,
): Promise<Act> {
  const used = usedNetworkLimit(passwordSubject(member.account, network))
  return {
    app,
    tenant: member.tenant,
    subject: resetSubject(member.id, shortDigest(network)),
    address,
    purpose: 'reset-password',
    network,
    // From where the member logged in before: strangers cannot use up what is kept for a holder.
    isHolder: await store.limiters.isHeld(used.key),
  }
}

/** The same for nobody: of no tenant, and about an address that is made from what was typed. */
export async function actForNobody(
  { store, ring }: Pick<Services, 'store' | 'ring'>,
  user: string,
  network: string,
): Promise<Act> {
  const name = unknownDigest(ring, user)
  // Read as for a member.
  await store.limiters.isHeld(usedNetworkLimit(passwordSubject(name, network)).key)
  return {
    app: nobodysApp,
    tenant: 'nobody',
    subject: resetSubject(name, shortDigest(network)),
    address: mailboxOf(name),
    purpose: 'reset-password',
    network,
    isHolder: false,
  }
}

const nobodysApp: App = {
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

/** What somebody typed who is not there is kept nowhere. */
function unknownDigest(ring: KeyRing, text: string): string {
  return shortDigest(ring.newest.codeMac(JSON.stringify(['countersign-unknown-1', text])))
}

function shortDigest(text: string): string {
  return hash('sha256', text, 'hex').slice(0, 32)
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
  // A short one shows at most half of its letters.
  const shown = Math.min(7, Math.floor(letters.length / 2))
  const head = Math.min(3, shown)
  return `${letters.slice(0, head).join('')}****${letters.slice(letters.length - (shown - head)).join('')}${address.mailbox.slice(at)}`
}

/**
 * An address of nobody that looks like those of this installation: for an account that does not exist, or that has no
 * address of the kind. The same for each account, every time.
 */
export async function addressLike(
  services: Pick<Services, 'store' | 'ring'>,
  user: string,
  kind: Address['kind'],
): Promise<Address> {
  const digest = BigInt(`0x${unknownDigest(services.ring, `${kind} ${user}`)}`)
  const models = await modelsOf(services.store)(kind)
  const model = models[Number(digest % BigInt(Math.max(1, models.length)))] ?? usualModels[kind]
  if (model.kind === 'phone') {
    const fixed = Math.max(2, model.e164.length - 8)
    const rest = model.e164.length - fixed
    const digits = ((digest >> 8n) % 10n ** BigInt(rest)).toString().padStart(rest, '0')
    return { ...model, e164: model.e164.slice(0, fixed) + digits }
  }
  const domain = model.mailbox.slice(model.mailbox.lastIndexOf('@'))
  // Mailboxes are often named as accounts.
  const local = user.split('@')[0]!.replace(/[^A-Za-z0-9._-]/g, '') || 'member'
  const mailbox = `${local}${domain}`
  return { kind: 'email', mailbox, canonical: mailbox.toLowerCase(), needsSmtpUtf8: false }
}

const usualModels: Readonly<Record<Address['kind'], Address>> = {
  phone: { kind: 'phone', e164: '+8613800138000', region: 'CN' },
  email: mailboxOf('member'),
}

/** How long addresses of members serve as models. */
const modelsMs = 3_600_000
const maxModels = 200

/** Some members' addresses, read once an hour. */
const modelsOf = onceForEach(({ directory }: Services['store']) => {
  let read: Promise<readonly Address[]> | undefined
  let readAt = 0
  const readAll = async () => {
    const found: Address[] = []
    for (const { id } of (await directory.tenants()).slice(0, 20)) {
      const members = await directory.members(id, { after: '', most: maxModels })
      for (const { phone, email } of members) found.push(...[phone, email].filter((one) => one !== null))
    }
    return [...new Map(found.map((one) => [addressKey(one), one])).values()]
  }
  return async (kind: Address['kind']) => {
    if (!read || performance.now() - readAt > modelsMs) {
      readAt = performance.now()
      read = readAll()
      // Asked again at the next call.
      read.catch(() => {
        read = undefined
      })
    }
    return (await read).filter((one) => one.kind === kind)
  }
})
