/** `countersign member import`: members from a CSV file, a thousand to a transaction, safe to repeat. */

import { readFileSync } from 'node:fs'
import type { AdminRole, Member } from '../directory/directory.ts'
import { hashPassword } from '../directory/password.ts'
import { AppError } from '../errors.ts'
import { memberId, newMember } from './create.ts'
import { type CsvRow, parseCsv } from './csv.ts'
import { contactsOf, refusalInWords } from './members.ts'
import { type CommonOptions, type Opened, withStore } from './opened.ts'
import { exitCodes, type Terminal } from './terminal.ts'

const columns = ['account', 'name', 'phone', 'email', 'role', 'deptCode', 'password'] as const
type Column = (typeof columns)[number]
const roles: readonly string[] = ['default', 'admin', 'none']
const batch = 1000

type Options = CommonOptions & { readonly tenant: string }

export async function importMembers(
  path: string,
  options: Options,
  terminal: Terminal,
  end: (code: number) => void,
): Promise<void> {
  const { rows, header } = readRows(path)
  await withStore(options, terminal, async ({ store }) => {
    if (!(await store.directory.tenant(options.tenant)))
      throw new AppError('input.invalid', `there is no tenant ${options.tenant}`)
    const counts = { added: 0, updated: 0, unchanged: 0, refused: 0 }
    const seen = new Map<string, number>()
    const refuse = (line: number, reason: string) => {
      counts.refused++
      terminal.err(`${path}:${line}: ${reason}`)
    }
    for (let at = 0; at < rows.length; at += batch) {
      const good: { line: number; member: Member }[] = []
      for (const row of rows.slice(at, at + batch)) {
        const made = await memberOf(row, header, options.tenant, store, seen)
        if (typeof made === 'string') refuse(row.line, made)
        else good.push({ line: row.line, member: made })
      }
      const outcomes = await store.directory.putMembers(good.map(({ member }) => member))
      for (const [i, outcome] of outcomes.entries())
        if (outcome.kind === 'refused') refuse(good[i]!.line, refusalInWords(outcome))
        else counts[outcome.kind]++
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

function readRows(path: string): { rows: readonly CsvRow[]; header: readonly string[] } {
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(path))
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

/** A member from a row, over what is stored of it already. @returns A sentence if the row cannot be one. */
async function memberOf(
  { fields, line }: CsvRow,
  header: readonly string[],
  tenant: string,
  store: Opened['store'],
  seen: Map<string, number>,
): Promise<Member | string> {
  if (fields.length !== header.length)
    return `has ${fields.length} fields, the first line names ${header.length}`
  const of = (column: Column) => fields[header.indexOf(column)]?.trim() ?? ''
  const account = of('account')
  if (account === '' || account.length > 64) return 'account: takes 1 to 64 characters'
  const earlier = seen.get(account)
  if (earlier !== undefined) return `account: stands already in line ${earlier}`
  seen.set(account, line)
  const role = of('role') || 'none'
  if (!roles.includes(role)) return `role: must be one of ${roles.join(', ')}`
  if (of('name').length > 64) return 'name: takes at most 64 characters'
  const contacts = contactsOf(of('phone'), of('email'))
  if (typeof contacts === 'string') return contacts
  // A member that logged in before the import has an id of its own.
  const present =
    (await store.directory.memberByAccount(tenant, account)) ??
    (await store.directory.member(memberId(tenant, account)))
  const password = of('password')
  const fresh = newMember({
    tenant,
    account,
    name: of('name') || present?.profile.name || account,
    role: role as AdminRole,
    ...contacts,
    deptCode: of('deptCode') || present?.deptCode || '1',
    // Only for members without one: a repeat must not undo a password changed since.
    passwordHash: present?.passwordHash ?? (password === '' ? null : await hashPassword(password)),
    createdAt: present?.createdAt ?? Date.now(),
  })
  if (!present) return fresh
  return {
    ...fresh,
    id: present.id,
    isDisabled: present.isDisabled,
    profile: { ...present.profile, name: fresh.profile.name },
    // A column the file does not have changes nothing.
    ...(!header.includes('phone') && { phone: present.phone, phoneCountry: present.phoneCountry }),
    ...(!header.includes('email') && { email: present.email }),
    ...(!header.includes('role') && { role: present.role }),
  }
}
