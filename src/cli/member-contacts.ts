/** `countersign member set-contact|clear-contact`: for people who have lost a number, or have a new one. */

import { type Address, maskAddress } from '../address/address.ts'
import { systemClock } from '../clock.ts'
import { readKeyRing } from '../config/read-key-ring.ts'
import { routeOf } from '../delivery/routes.ts'
import { AppError } from '../errors.ts'
import { type SettingOutcome, setContact } from '../flows/set-contact.ts'
import { contactsOf } from './members.ts'
import type { Terminal } from './terminal.ts'
import { type CommonOptions, type Opened, withStore } from './with-store.ts'

type ContactOptions = CommonOptions & {
  readonly tenant: string
  readonly language: string
  readonly givenAway?: boolean
}

const refusals: Readonly<Record<Exclude<SettingOutcome['kind'], 'changed' | 'unchanged'>, string>> = {
  unknown: 'the member is gone',
  bound: 'it belongs to another member; clear it there first',
  stale: 'the member changes contacts just now; try again',
}

/** The reason why a contact was not set, in words. */
export function settingInWords(kind: keyof typeof refusals): string {
  return refusals[kind]
}

/** The services that setting a contact needs, from those that a command has opened. */
export function settingServices({ store, settings }: Opened) {
  const { routes, undo } = settings
  return {
    store,
    ring: readKeyRing(settings),
    undo,
    clock: systemClock,
    serves: (to: Parameters<typeof routeOf>[1]) => routeOf(routes, to) !== undefined,
  }
}

export function setMemberContact(
  account: string,
  options: ContactOptions & { readonly phone?: string; readonly email?: string },
  terminal: Terminal,
): Promise<void> {
  return withStore(options, terminal, async (opened) => {
    const contacts = contactsOf(options.phone, options.email, opened.settings.addressRules)
    if (typeof contacts === 'string') throw new AppError('input.invalid', contacts)
    const { phone, phoneCountry, email } = contacts
    const wanted = [
      ...(phone ? [{ contact: 'phone', address: phone, country: phoneCountry } as const] : []),
      ...(email ? [{ contact: 'email', address: email, country: null } as const] : []),
    ]
    await change(opened, account, options, wanted, terminal)
  })
}

export function clearMemberContact(
  account: string,
  options: ContactOptions & { readonly phone?: boolean; readonly email?: boolean },
  terminal: Terminal,
): Promise<void> {
  const wanted = (['phone', 'email'] as const)
    .filter((contact) => options[contact])
    .map((contact) => ({ contact, address: null, country: null }))
  return withStore(options, terminal, (opened) => change(opened, account, options, wanted, terminal))
}

async function change(
  opened: Opened,
  account: string,
  { tenant: id, language, json, givenAway = false }: ContactOptions,
  wanted: readonly { contact: 'phone' | 'email'; address: Address | null; country: string | null }[],
  terminal: Terminal,
): Promise<void> {
  if (wanted.length === 0) throw new AppError('input.invalid', 'state --phone, --email, or both')
  const { directory } = opened.store
  const [tenant, member] = [await directory.tenant(id), await directory.memberByAccount(id, account)]
  if (!tenant || !member) throw new AppError('input.invalid', `there is no member ${account} in ${id}`)
  const of = {
    tenant: id,
    app: tenant.accountApp,
    member: member.id,
    locale: language,
    isGivenAway: givenAway,
  }
  for (const one of wanted) {
    const act = one.address ? 'member.set-contact' : 'member.clear-contact'
    const audit = opened.by(act, id, member.id, { contact: one.contact })
    const outcome = await setContact(settingServices(opened), { ...of, ...one, audit })
    const { contact, address } = one
    if (outcome.kind !== 'changed' && outcome.kind !== 'unchanged')
      throw new AppError('input.invalid', `--${contact}: ${settingInWords(outcome.kind)}`)
    const notices = outcome.kind === 'changed' ? outcome.notices : 0
    const shown = address ? maskAddress(address) : null
    const told = notices === 1 ? '1 notice is' : `${notices} notices are`
    terminal.out(
      json
        ? JSON.stringify({ account, contact, address: shown, isChanged: outcome.kind === 'changed', notices })
        : `Member ${account}: ${contact} ${outcome.kind === 'changed' ? 'is now' : 'was'} ${shown ?? 'none'}; ${told} on the way.`,
    )
  }
}
