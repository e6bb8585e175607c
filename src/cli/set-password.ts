/** `countersign member set-password`: for a member whom no contact reaches, or the first administrator. */

import { systemClock } from '../clock.ts'
import { isStrongPassword } from '../directory/password-rules.ts'
import { AppError } from '../errors.ts'
import { setPassword } from '../flows/passwords.ts'
import { settingServices } from './member-contacts.ts'
import { newPassword } from './new-records.ts'
import { plain } from './plain.ts'
import type { Terminal } from './terminal.ts'
import { type CommonOptions, withStore } from './with-store.ts'

type Options = CommonOptions & {
  readonly tenant: string
  readonly temporary?: boolean
  readonly language: string
}

const refusals = {
  stale: 'the member was changed just now; try again',
  taken: 'a member of another tenant logs in by this account',
  busy: 'try again',
} as const

export async function setMemberPassword(
  account: string,
  options: Options,
  terminal: Terminal,
): Promise<void> {
  const { tenant: id, temporary: isTemporary = false, language, json } = options
  const password = isTemporary ? newPassword() : await typedPassword(terminal)
  await withStore(options, terminal, async (opened) => {
    const { directory } = opened.store
    const [tenant, member] = [await directory.tenant(id), await directory.memberByAccount(id, account)]
    if (!tenant || !member)
      throw new AppError('input.invalid', `there is no member ${plain(account)} in ${plain(id)}`)
    if (!(await isStrongPassword(password, account)))
      throw new AppError(
        'input.invalid',
        'the password takes 8 to 32 characters of two kinds, none three times running, and must not be the account or a common one',
      )
    let notices = 0
    // The lease of nobody: the notices are due at once, for any process that serves.
    const services = {
      ...settingServices(opened),
      clock: systemClock,
      lease: { owner: '', ms: 0 },
      sessions: { forget() {} },
      handOver: () => void notices++,
    }
    const audit = opened.by('member.set-password', id, member.id, { isTemporary })
    const by = { app: tenant.accountApp, locale: language, isTemporary }
    const { kind } = await setPassword(services, member, password, by, audit)
    if (kind !== 'done') throw new AppError('input.invalid', `${plain(account)}: ${refusals[kind]}`)
    const shown = isTemporary ? { password } : {}
    terminal.out(
      json
        ? JSON.stringify({ account, isTemporary, notices, ...shown })
        : `Member ${plain(account)} has a new password, and all logins have ended; ${notices === 1 ? '1 notice is' : `${notices} notices are`} on the way.${isTemporary ? `\nPassword  ${password}\nIt is shown only now, and must be changed at the first login.` : ''}`,
    )
  })
}

/** Never an argument: other people on the machine see those. */
async function typedPassword(terminal: Terminal): Promise<string> {
  const text = Buffer.from(await terminal.readInput()).toString('utf8')
  const password = text.replace(/\r?\n$/, '')
  if (password === '')
    throw new AppError('input.invalid', 'give the password on standard input, or state --temporary')
  return password
}
