/** `countersign member add|list|disable`: persons of a tenant. */

import { type AddressRules, maskAddress } from '../address/address.ts'
import { countryKeyOf } from '../address/countries.ts'
import { parseEmailAddress } from '../address/email-address.ts'
import { parsePhoneNumber } from '../address/phone-number.ts'
import type { AdminRole, Member } from '../directory/directory.ts'
import { hashPassword } from '../directory/password.ts'
import { AppError } from '../errors.ts'
import type { ImportOutcome } from '../store/directory.ts'
import { isAccount, newMember, newPassword } from './new-records.ts'
import { plain } from './plain.ts'
import type { Terminal } from './terminal.ts'
import { type CommonOptions, withStore } from './with-store.ts'

type AddOptions = CommonOptions & {
  readonly tenant: string
  readonly account: string
  readonly name?: string
  readonly phone?: string
  readonly email?: string
  readonly role: AdminRole
  /** false with --no-password. */
  readonly password: boolean
}

const reasons: Record<Extract<ImportOutcome, { kind: 'refused' }>['reason'], string> = {
  'account-taken': 'the account is taken',
  'third-account-taken': 'the third-party account is taken',
  'phone-bound': 'the number belongs to another member',
  'email-bound': 'the e-mail address belongs to another member',
}

/** The reason why a member was not stored, in words. */
export function refusalInWords(outcome: Extract<ImportOutcome, { kind: 'refused' }>): string {
  return reasons[outcome.reason]
}

export async function addMember(options: AddOptions, terminal: Terminal): Promise<void> {
  if (!isAccount(options.account))
    throw new AppError('input.invalid', '--account: must hold no colon and no control characters')
  await withStore(options, terminal, async ({ store, settings, by }) => {
    const contacts = contactsOf(options.phone, options.email, settings.addressRules)
    if (typeof contacts === 'string') throw new AppError('input.invalid', contacts)
    const { directory } = store
    const { tenant, account, role } = options
    if (!(await directory.tenant(tenant)))
      throw new AppError(
        'input.invalid',
        `there is no tenant ${tenant}; "countersign app create --tenant ${tenant} …" makes it`,
      )
    if (await directory.memberByAccount(tenant, account))
      throw new AppError('input.invalid', `--account: ${reasons['account-taken']}`)
    const password = options.password ? newPassword() : null
    const passwordHash = password && (await hashPassword(password))
    const name = options.name ?? account
    const member = newMember({
      tenant,
      account,
      name,
      role,
      ...contacts,
      passwordHash,
      createdAt: Date.now(),
    })
    const [outcome] = await directory.putMembers([member], [by('member.add', tenant, member.id, { role })])
    if (outcome?.kind === 'refused') throw new AppError('input.invalid', refusalInWords(outcome))
    if (options.json)
      return terminal.out(JSON.stringify({ id: member.id, account, ...(password && { password }) }))
    terminal.out(
      `Member    ${account} (${member.id})${password ? `\nPassword  ${password}\nThe password is shown only now.` : ''}`,
    )
  })
}

export async function listMembers(
  options: CommonOptions & { readonly tenant: string },
  terminal: Terminal,
): Promise<void> {
  await withStore(options, terminal, async ({ store }) => {
    for (let after = ''; ; ) {
      const page = await store.directory.members(options.tenant, { after, most: 500 })
      for (const member of page)
        terminal.out(
          options.json ? JSON.stringify(shown(member)) : Object.values(shown(member)).map(plain).join('  '),
        )
      if (page.length < 500) return
      after = page.at(-1)!.account
    }
  })
}

export async function disableMember(
  account: string,
  options: CommonOptions & { readonly tenant: string; readonly undo?: boolean },
  terminal: Terminal,
): Promise<void> {
  await withStore(options, terminal, async ({ store, by }) => {
    const member = await store.directory.memberByAccount(options.tenant, account)
    if (!member) throw new AppError('input.invalid', `there is no member ${account} in ${options.tenant}`)
    const isDisabled = options.undo !== true
    await store.directory.disableMember(
      member.id,
      isDisabled,
      by(isDisabled ? 'member.disable' : 'member.enable', options.tenant, member.id),
    )
    terminal.out(
      options.json
        ? JSON.stringify({ account, isDisabled })
        : `Member ${account} is ${isDisabled ? 'disabled, logins ended' : 'allowed again'}.`,
    )
  })
}

/** Contacts as typed in a command or a file. @returns A sentence if one is no address. */
export function contactsOf(phone: string | undefined, email: string | undefined, rules: AddressRules) {
  const parsedPhone = phone ? parsePhoneNumber(phone, rules.numbers) : undefined
  if (parsedPhone?.kind === 'refused')
    return 'phone: is no valid mobile number with + and country code, such as +8613800138000'
  const parsedEmail = email ? parseEmailAddress(email, rules.dottedDomains) : undefined
  if (parsedEmail?.kind === 'refused') return 'email: is no valid e-mail address'
  return {
    phone: parsedPhone?.address ?? null,
    phoneCountry: parsedPhone ? (countryKeyOf(parsedPhone.address) ?? null) : null,
    email: parsedEmail?.address ?? null,
  }
}

/** A row of the list, with masked addresses, because others may see the screen. */
function shown({ id, account, profile, role, isDisabled, phone, email }: Member) {
  return {
    id,
    account,
    name: profile.name,
    role,
    phone: phone ? maskAddress(phone) : '-',
    email: email ? maskAddress(email) : '-',
    status: isDisabled ? 'disabled' : 'active',
  }
}
