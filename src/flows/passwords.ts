/** Sets passwords of members: by the member who knows the old one, and by an administrator or the operator a temporary one. */

import { temporaryPassword } from '../code/temporary-password.ts'
import type { Member, Session } from '../directory/directory.ts'
import { inOneForm, isStrongPassword } from '../directory/password-rules.ts'
import { destinationOf } from '../message/destination.ts'
import type { NewMessage } from '../message/message.ts'
import type { PasswordSetting } from '../store/administration.ts'
import type { NewAuditEntry } from '../store/audit.ts'
import type { Limit, Throttled } from '../throttle/acquire.ts'
import { auditOf, type ByAdministrator, findMember, type NamedBy } from './administration.ts'
import { withHash } from './hash-password.ts'
import { noticeTo, passwordNotices } from './notices.ts'
import { mayManage } from './rights.ts'
import type { Services } from './services.ts'

export type PasswordChangeOutcome =
  /** Every login of the member has ended. */
  | { readonly kind: 'changed' }
  /** It is the account of somebody else, or of nobody. */
  | { readonly kind: 'not-own' }
  | { readonly kind: 'weak-password' | 'same-password' }
  /** The old password is wrong, or was changed just now. */
  | { readonly kind: 'wrong' }
  | { readonly kind: 'locked'; readonly retryAfterMs: number }
  | { readonly kind: 'busy' }

export type PasswordChange = {
  readonly account: string
  readonly oldPassword: string
  readonly newPassword: string
  /** The client's, see `networkOf`. */
  readonly network: string
  readonly locale: string
}

/** Changes the password of the member who is logged in. Wrong old ones count as at logins. */
export async function changePassword(
  services: Services,
  { member, app }: Session,
  { account, oldPassword, newPassword, network, locale }: PasswordChange,
): Promise<PasswordChangeOutcome> {
  if (account !== member.account) return { kind: 'not-own' }
  if (!(await isStrongPassword(newPassword, account))) return { kind: 'weak-password' }
  const checked = await services.checkPassword(account, oldPassword, network)
  if (checked.kind !== 'right') return checked
  // A member without a password may have an account that a member of another tenant logs in by.
  if (checked.member.id !== member.id) return { kind: 'wrong' }
  if (inOneForm(newPassword) === inOneForm(oldPassword)) return { kind: 'same-password' }
  const { kind } = await setPassword(services, checked.member, newPassword, { app: app.id, locale })
  if (kind === 'done') return { kind: 'changed' }
  return { kind: kind === 'busy' ? 'busy' : 'wrong' }
}

/** The app that messages are sent for, and their language. */
export type MessagesBy = { readonly app: string; readonly locale: string }

/** The services that a command has, too. */
export type PasswordServices = Pick<Services, 'store' | 'clock' | 'serves' | 'lease' | 'handOver'> & {
  readonly sessions: Pick<Services['sessions'], 'forget'>
}

/** Sets a password that somebody knows, and tells all contacts. */
export function setPassword(
  services: PasswordServices,
  member: Member,
  password: string,
  { isTemporary = false, ...by }: MessagesBy & { readonly isTemporary?: boolean },
  audit?: NewAuditEntry,
): Promise<PasswordSet> {
  const noticed = { ...by, tenant: member.tenant, now: services.clock.now() }
  const notices = passwordNotices(member, noticed, services.serves)
  return put(services, { seen: member, isTemporary, notices, ...(audit && { audit }) }, password)
}

export type PasswordSet = {
  /** busy: too many wait to be hashed · stale, taken: as of the store. */
  readonly kind: 'done' | 'busy' | 'stale' | 'taken'
}

/** Every login of the member ends with it. */
async function put(
  services: PasswordServices,
  setting: Omit<PasswordSetting, 'passwordHash' | 'lease'>,
  password: string,
): Promise<PasswordSet> {
  const { store, sessions, lease } = services
  const { tenant, id } = setting.seen
  const set = await withHash(store, tenant, password, (passwordHash) =>
    store.directory.setPassword({ ...setting, passwordHash, lease }),
  )
  if (set === undefined) return { kind: 'busy' }
  sessions.forget(id)
  if (set.kind === 'done') for (const entry of set.entries) services.handOver(entry)
  return { kind: set.kind }
}

export type TemporaryPassword = { readonly password: string; readonly message: NewMessage }

/**
 * A temporary password for a member, and the message that brings it: by mail if the member has a mailbox, otherwise by SMS.
 * @returns undefined if no carrier reaches the member.
 */
export function newTemporaryPassword(
  { ring, clock, serves }: Pick<Services, 'ring' | 'clock' | 'serves'>,
  { tenant, account, phone, email }: Pick<Member, 'tenant' | 'account' | 'phone' | 'email'>,
  { app, locale }: MessagesBy,
): TemporaryPassword | undefined {
  const key = ring.newest
  for (const to of [email, phone]) {
    if (!to) continue
    const noticed = { tenant, app, locale, now: clock.now() }
    const message = noticeTo(to, 'temporary-password', { account, keyId: key.id }, noticed)
    if (serves(destinationOf(message))) return { password: temporaryPassword(key, message.id), message }
  }
  return undefined
}

export type ResetOutcome =
  | { readonly kind: 'sent' }
  | { readonly kind: 'unknown' | 'not-permitted' | 'unreachable' | 'busy' }
  /** A member of another tenant logs in by the account. */
  | { readonly kind: 'taken' }
  | Throttled

/** Temporary passwords of a member in an hour: each costs a message, and ends the logins. */
const resetRules = [{ kind: 'window', max: 5, perMs: 3_600_000 }] as const

/** Gives a member a new temporary password, which only the member gets to know. */
export async function resetPassword(
  services: Services,
  by: ByAdministrator,
  name: string,
  namedBy: NamedBy,
): Promise<ResetOutcome> {
  const { store, clock, serves } = services
  const { member: administrator, tenant, app } = by.session
  const member = await findMember(services, tenant.id, name, namedBy)
  if (!member) return { kind: 'unknown' }
  if (!mayManage(administrator, member)) return { kind: 'not-permitted' }
  const sentBy = { app: app.id, locale: by.locale }
  const made = newTemporaryPassword(services, member, sentBy)
  if (!made) return { kind: 'unreachable' }
  if (services.hasLimits) {
    const acquired = await store.limiters.acquire([resetLimit(member)])
    if (acquired.kind === 'throttled') return acquired
  }
  const noticed = { ...sentBy, tenant: tenant.id, now: clock.now() }
  const { kind } = await put(
    services,
    {
      seen: member,
      isTemporary: true,
      notices: [made.message, ...passwordNotices(member, noticed, serves, made.message.to)],
      audit: auditOf(services, by, 'member.reset-password', member.id),
    },
    made.password,
  )
  if (kind === 'done') return { kind: 'sent' }
  return { kind: kind === 'taken' ? 'taken' : 'busy' }
}

function resetLimit({ tenant, id }: Member): Limit {
  return { scope: 'member', key: `pr:${tenant}:${id}`, form: 'events', rules: resetRules }
}
