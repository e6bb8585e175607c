/** `countersign member import`: members from a CSV file, a thousand in each transaction, safe to repeat. */

import { readFileSync } from 'node:fs'
import type { AddressRules } from '../address/address.ts'
import { addressKey } from '../address/address.ts'
import type { AdminRole, Member, memberDefaults } from '../directory/directory.ts'
import { hashPassword, passwordLength } from '../directory/password.ts'
import { AppError } from '../errors.ts'
import { type Setting, setContact } from '../flows/set-contact.ts'
import { type CsvRow, parseCsv } from './csv.ts'
import { settingInWords, settingServices } from './member-contacts.ts'
import { contactsOf, refusalInWords } from './members.ts'
import { isAccount, newMember } from './new-records.ts'
import { exitCodes, type Terminal } from './terminal.ts'
import { type CommonOptions, withStore } from './with-store.ts'

const columns = ['account', 'name', 'phone', 'email', 'role', 'deptCode', 'password'] as const
type Column = (typeof columns)[number]
const roles: readonly string[] = ['default', 'admin', 'none']
const batch = 1000

type Options = CommonOptions & {
  readonly tenant: string
  readonly replaceContacts?: boolean
  readonly language: string
}

/** A row that can be a member. */
type Candidate = {
  readonly line: number
  /** A trimmed cell; empty if the file has no such column. */
  readonly of: (column: Column) => string
  readonly contacts: Exclude<ReturnType<typeof contactsOf>, string>
}

export async function importMembers(
  path: string,
  options: Options,
  terminal: Terminal,
  end: (code: number) => void,
): Promise<void> {
  const { rows, header } = await readRows(path, terminal)
  await withStore(options, terminal, async (opened) => {
    const { settings } = opened
    const { directory } = opened.store
    const { tenant } = options
    const known = await directory.tenant(tenant)
    if (!known) throw new AppError('input.invalid', `there is no tenant ${tenant}`)
    const services = settingServices(opened)
    const of = { tenant, app: known.accountApp, locale: options.language }
    const counts = { added: 0, updated: 0, unchanged: 0, refused: 0 }
    const refuse = (line: number, reason: string) => {
      counts.refused++
      terminal.err(`${path}:${line}: ${reason}`)
    }
    const seen = new Map<string, number>()
    const presentOf = ({ of }: Candidate) => directory.memberByAccount(tenant, of('account'))
    for (let at = 0; at < rows.length; at += batch) {
      const good: Candidate[] = []
      for (const row of rows.slice(at, at + batch)) {
        const candidate = candidateOf(row, header, seen, settings.addressRules)
        if (typeof candidate === 'string') refuse(row.line, candidate)
        else good.push(candidate)
      }
      const hashes = await Promise.all(
        good.map(async (one) => {
          const password = one.of('password')
          return password === '' || (await presentOf(one))?.passwordHash ? null : hashPassword(password)
        }),
      )
      // Read after the passwords are hashed, which takes seconds: members may change their contacts meanwhile.
      const present = await Promise.all(good.map(presentOf))
      const replacing = good.map((one, i) =>
        options.replaceContacts ? replacementsOf(one, header, present[i]) : [],
      )
      const changed = new Set<number>()
      const problems = new Map<number, string>()
      const replace = async (isMeant: (one: Replacement) => boolean) => {
        for (const [i, some] of replacing.entries())
          for (const one of some.filter(isMeant)) {
            if (problems.has(i)) continue
            const act = one.address ? 'member.set-contact' : 'member.clear-contact'
            const audit = opened.by(act, tenant, one.member, { contact: one.contact })
            const outcome = await setContact(services, { ...of, ...one, audit })
            if (outcome.kind === 'changed') changed.add(i)
            else if (outcome.kind !== 'unchanged')
              problems.set(i, `${one.contact}: ${settingInWords(outcome.kind)}`)
          }
      }
      // Removed contacts first, so that other rows can have them.
      await replace(({ address }) => address === null)
      // Read again, so that they are written with their present contacts.
      const current = await Promise.all(good.map(presentOf))
      const members = good.map((one, i) => memberOf(one, options, current[i], hashes[i] ?? null))
      const outcomes = await directory.putMembers(
        members,
        members.map(({ id }) => opened.by('member.import', tenant, id)),
      )
      for (const [i, outcome] of outcomes.entries())
        if (outcome.kind === 'refused') problems.set(i, refusalInWords(outcome))
      await replace(({ address }) => address !== null)
      for (const [i, { kind }] of outcomes.entries()) {
        const problem = problems.get(i)
        if (problem !== undefined) refuse(good[i]!.line, problem)
        else counts[kind === 'unchanged' && changed.has(i) ? 'updated' : (kind as keyof typeof counts)]++
      }
      terminal.err(`${Math.min(at + batch, rows.length)} of ${rows.length} rows`)
    }
    const { added, updated, unchanged, refused } = counts
    terminal.out(
      options.json
        ? JSON.stringify(counts)
        : `${added} added, ${updated} updated, ${unchanged} unchanged, ${refused} refused`,
    )
    if (refused > 0) end(exitCodes.failed)
  })
}

async function readRows(
  path: string,
  terminal: Terminal,
): Promise<{ rows: readonly CsvRow[]; header: readonly string[] }> {
  let text: string
  try {
    const bytes = path === '-' ? await terminal.readInput() : readFileSync(path)
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (error) {
    throw new AppError(
      'input.invalid',
      `${path}: cannot be read as UTF-8 text (${(error as { code?: string }).code})`,
    )
  }
  const { rows, unclosedAt } = parseCsv(text)
  if (unclosedAt !== null)
    throw new AppError(
      'input.invalid',
      `${path}:${unclosedAt}: a quote is never closed; nothing was imported`,
    )
  const header = rows[0]?.fields.map((name) => name.trim()) ?? []
  const unknown = header.filter((name) => !columns.includes(name as Column))
  if (!header.includes('account') || unknown.length > 0)
    throw new AppError(
      'input.invalid',
      `${path}:1: the first line must name columns, account among them, from: ${columns.join(', ')}${unknown.length > 0 ? `; unknown: ${unknown.join(', ')}` : ''}`,
    )
  return { rows: rows.slice(1), header }
}

/** @returns A sentence if the row cannot be a member. */
function candidateOf(
  { fields, line, isMalformed }: CsvRow,
  header: readonly string[],
  seen: Map<string, number>,
  rules: AddressRules,
): Candidate | string {
  if (isMalformed) return 'has text after a closing quote; a quote within quotes is doubled'
  if (fields.length !== header.length)
    return `has ${fields.length} fields, the first line names ${header.length}`
  const of = (column: Column) => fields[header.indexOf(column)]?.trim() ?? ''
  const account = of('account')
  if (account === '' || account.length > 64) return 'account: takes 1 to 64 characters'
  if (!isAccount(account)) return 'account: must hold no colon and no control characters'
  const earlier = seen.get(account)
  if (earlier !== undefined) return `account: stands already in line ${earlier}`
  seen.set(account, line)
  if (of('role') !== '' && !roles.includes(of('role'))) return `role: must be one of ${roles.join(', ')}`
  const password = of('password')
  if (password !== '' && (password.length < passwordLength.least || password.length > passwordLength.most))
    return `password: takes ${passwordLength.least} to ${passwordLength.most} characters`
  if (of('name').length > 64) return 'name: takes at most 64 characters'
  const contacts = contactsOf(of('phone'), of('email'), rules)
  return typeof contacts === 'string' ? contacts : { line, of, contacts }
}

/**
 * The member of a row, merged with the stored one. An empty cell changes nothing. Stored contacts and passwords stay,
 * because the member may have changed them since the file was written; see `replacementsOf`.
 */
function memberOf(
  { of, contacts }: Candidate,
  { tenant }: Options,
  present: Member | undefined,
  passwordHash: string | null,
): Member {
  const fresh = newMember({
    tenant,
    account: of('account'),
    name: of('name') || present?.profile.name || of('account'),
    role: (of('role') || present?.role || 'none') as AdminRole,
    ...contacts,
    deptCode: of('deptCode') || present?.deptCode || '1',
    passwordHash: present?.passwordHash ?? passwordHash,
    createdAt: present?.createdAt ?? Date.now(),
  })
  if (!present) return fresh
  return {
    ...fresh,
    // A member whose first login came before the import has another id.
    id: present.id,
    isDisabled: present.isDisabled,
    ...pickStored(present),
    profile: { ...present.profile, name: fresh.profile.name },
    ...((present.phone || !contacts.phone) && { phone: present.phone, phoneCountry: present.phoneCountry }),
    ...((present.email || !contacts.email) && { email: present.email }),
  }
}

/** What no column of the file holds. */
function pickStored({
  thirdAccount,
  sortLevel,
  hidesPhone,
  mustChangePassword,
  contactBarredUntil,
}: Member): Pick<Member, keyof typeof memberDefaults> {
  return { thirdAccount, sortLevel, hidesPhone, mustChangePassword, contactBarredUntil }
}

type Replacement = Pick<Setting, 'member' | 'contact' | 'address' | 'country'>

/** The contacts of a member that differ from those of its row. A contact without a column in the file stays. */
function replacementsOf(
  { contacts }: Candidate,
  header: readonly string[],
  present: Member | undefined,
): Replacement[] {
  return (['phone', 'email'] as const).flatMap((contact) => {
    const [has, wanted] = [present?.[contact], contacts[contact]]
    if (!present || !has || !header.includes(contact)) return []
    if (wanted && addressKey(wanted) === addressKey(has)) return []
    const country = contact === 'phone' ? contacts.phoneCountry : null
    return [{ member: present.id, contact, address: wanted, country }]
  })
}
