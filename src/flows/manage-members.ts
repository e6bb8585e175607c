/** What an administrator does with one member: adds it, or changes its data and contacts, which then count as verified. */

import { randomUUID } from 'node:crypto'
import { type Address, addressKey } from '../address/address.ts'
import { rootDepartment } from '../directory/department.ts'
import { type Member, memberDefaults } from '../directory/directory.ts'
import { isStrongPassword } from '../directory/password-rules.ts'
import type { MemberRefusal, MemberUpdate, NewContact } from '../store/administration.ts'
import { auditOf, type ByAdministrator, findMember, type NamedBy } from './administration.ts'
import { withHash } from './hash-password.ts'
import { noticesOf } from './notices.ts'
import { newTemporaryPassword } from './passwords.ts'
import { mayManage } from './rights.ts'
import type { Services } from './services.ts'

export type { MemberRefusal } from '../store/administration.ts'

export type MemberData = Pick<Member, 'profile' | 'phone' | 'phoneCountry' | 'email'> &
  Partial<Pick<Member, 'thirdAccount' | 'deptCode' | 'isDisabled' | 'sortLevel' | 'hidesPhone'>> & {
    /** undefined: one is made. */
    readonly account: string | undefined
    /** undefined: a temporary one is made and sent to the member. */
    readonly password: string | undefined
    /** Whether the member is told. Without that, no password is made. */
    readonly isTold: boolean
  }

export type MemberOutcome =
  | { readonly kind: 'done'; readonly member: Member }
  /** busy: too many passwords wait to be hashed. */
  | { readonly kind: 'unknown' | 'not-permitted' | 'stale' | 'weak-password' | 'busy' }
  /** The change would leave the member without any contact. */
  | { readonly kind: 'without-contact' }
  | { readonly kind: 'refused'; readonly reason: MemberRefusal }

export async function addMember(
  services: Services,
  by: ByAdministrator,
  { account, password: given, isTold, ...data }: MemberData,
): Promise<MemberOutcome> {
  const id = randomUUID().replaceAll('-', '')
  const name = account ?? `m${id.slice(0, 15)}`
  if (given !== undefined && !(await isStrongPassword(given, name))) return { kind: 'weak-password' }
  const { tenant, app } = by.session
  const sent =
    given === undefined && isTold
      ? newTemporaryPassword(
          services,
          { ...data, tenant: tenant.id, account: name },
          { app: app.id, locale: by.locale },
        )
      : undefined
  const password = given ?? sent?.password
  const put = async (passwordHash: string | null): Promise<MemberOutcome> => {
    const member: Member = {
      ...memberDefaults,
      deptCode: rootDepartment,
      isDisabled: false,
      ...data,
      id,
      tenant: tenant.id,
      account: name,
      passwordHash,
      mustChangePassword: sent !== undefined,
      role: 'none',
      createdAt: services.clock.now(),
    }
    const result = await services.store.directory.addMember({
      member,
      notices: sent ? [sent.message] : [],
      lease: services.lease,
      audit: auditOf(services, by, 'member.add', id),
    })
    if (result.kind !== 'added') return result
    for (const entry of result.entries) services.handOver(entry)
    return { kind: 'done', member }
  }
  if (password === undefined) return put(null)
  return (await withHash(services.store, tenant.id, password, put)) ?? { kind: 'busy' }
}

export type MemberChange = Omit<MemberUpdate['change'], 'profile' | 'phoneCountry'> & {
  readonly profile: Partial<Member['profile']>
  /** null: it is taken away; undefined: it stays. */
  readonly phone?: Address | null
  readonly phoneCountry: string | null
  readonly email?: Address | null
}

const maxTries = 3

export async function updateMember(
  services: Services,
  by: ByAdministrator,
  name: string,
  namedBy: NamedBy,
  { profile, phone, phoneCountry, email, ...change }: MemberChange,
): Promise<MemberOutcome> {
  const { directory } = services.store
  const [tenant, app] = [by.session.tenant.id, by.session.app.id]
  for (let tries = 0; tries < maxTries; tries++) {
    const member = await findMember(services, tenant, name, namedBy)
    if (!member) return { kind: 'unknown' }
    if (!mayManage(by.session.member, member)) return { kind: 'not-permitted' }
    const contacts: NewContact[] = []
    const set = (contact: Address['kind'], address: Address | null | undefined, country: string | null) => {
      if (address === undefined || isSame(member[contact], address)) return
      const changed = { tenant, app, address, locale: by.locale, now: services.clock.now() }
      contacts.push({ contact, address, country, notices: noticesOf(member, changed, services) })
    }
    set('phone', phone, phoneCountry)
    set('email', email, null)
    const left = {
      phone: phone === undefined ? member.phone : phone,
      email: email === undefined ? member.email : email,
    }
    if (contacts.length > 0 && !left.phone && !left.email) return { kind: 'without-contact' }
    const result = await directory.updateMember({
      tenant,
      app,
      member: member.id,
      change: {
        ...change,
        profile: { ...member.profile, ...profile },
        // The same number under another key of its country.
        ...(phone && isSame(member.phone, phone) && { phoneCountry }),
      },
      contacts,
      seen: { phone: member.phone, email: member.email },
      lease: services.lease,
      audit: auditOf(services, by, 'member.update', member.id, {
        phone: contacts.some(({ contact }) => contact === 'phone'),
        email: contacts.some(({ contact }) => contact === 'email'),
      }),
    })
    services.sessions.forget(member.id)
    if (result.kind === 'stale') continue
    if (result.kind !== 'changed') return result
    for (const entry of result.entries) services.handOver(entry)
    return { kind: 'done', member: result.member }
  }
  return { kind: 'stale' }
}

function isSame(a: Address | null, b: Address | null): boolean {
  return a === null || b === null ? a === b : addressKey(a) === addressKey(b)
}
