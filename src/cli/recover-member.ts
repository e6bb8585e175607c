/** `countersign member recover`: for people who lost a contact, and whose request somebody else may have made. */

import { maskAddress } from '../address/address.ts'
import { AppError } from '../errors.ts'
import { beginRecovery, type RecoveryOutcome } from '../flows/recovery.ts'
import { settingInWords, settingServices } from './member-contacts.ts'
import { contactsOf } from './members.ts'
import { plain } from './plain.ts'
import type { Terminal } from './terminal.ts'
import { type CommonOptions, withStore } from './with-store.ts'

type Options = CommonOptions & {
  readonly tenant: string
  readonly language: string
  readonly phone?: string
  readonly email?: string
  readonly cancel?: boolean
}

const refusals: Readonly<Record<Exclude<RecoveryOutcome['kind'], 'started'>, string>> = {
  unknown: settingInWords('unknown'),
  bound: settingInWords('bound'),
  stale: settingInWords('stale'),
  'not-permitted': 'it is not permitted',
  pending: 'a recovery is under way; end it with --cancel first',
  unchanged: 'the member has it already',
}
/** The lease of nobody: the notices are due at once, for any process that serves. */
const lease = { owner: '', ms: 0 }

export async function recoverMember(account: string, options: Options, terminal: Terminal): Promise<void> {
  await withStore(options, terminal, async (opened) => {
    const { store, settings, by } = opened
    const { tenant: id, language: locale, json } = options
    const { directory } = store
    const [tenant, member] = [await directory.tenant(id), await directory.memberByAccount(id, account)]
    if (!tenant || !member)
      throw new AppError('input.invalid', `there is no member ${plain(account)} in ${plain(id)}`)
    const of = { tenant: id, app: tenant.accountApp }
    if (options.cancel) {
      const audit = by('member.cancel-recovery', id, member.id)
      const isCancelled = await directory.cancelRecovery({ ...of, member: member.id, by: 'operator', audit })
      if (!isCancelled) throw new AppError('input.invalid', `${plain(account)}: no recovery is under way`)
      terminal.out(
        json
          ? JSON.stringify({ account, isCancelled })
          : `Member ${account}: the recovery is cancelled; the contacts stay as they are.`,
      )
      return
    }
    const contacts = contactsOf(options.phone, options.email, settings.addressRules)
    if (typeof contacts === 'string') throw new AppError('input.invalid', contacts)
    const address = contacts.phone ?? contacts.email
    if (!address) throw new AppError('input.invalid', 'state --phone or --email')
    const wish = { address, country: address.kind === 'phone' ? contacts.phoneCountry : null }
    const audit = by('member.recover', id, member.id, { contact: address.kind })
    const { outcome } = await beginRecovery(settingServices(opened), member.id, wish, {
      ...{ ...of, locale, startedBy: 'operator', lease, audit },
    })
    if (outcome.kind !== 'started')
      throw new AppError('input.invalid', `--${address.kind}: ${refusals[outcome.kind]}`)
    const { dueAt, notices } = outcome
    const [shown, at] = [maskAddress(address), new Date(dueAt).toISOString()]
    const told = notices === 1 ? '1 notice is' : `${notices} notices are`
    terminal.out(
      json
        ? JSON.stringify({ account, contact: address.kind, address: shown, dueAt: at, notices })
        : `Member ${account}: ${address.kind} becomes ${shown} at ${at}, unless a present contact stops it; ${told} on the way.`,
    )
  })
}
