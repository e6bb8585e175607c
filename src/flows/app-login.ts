/** App ID login: a signature by the app's key stands for a member of its tenant, who is created by the first one. */

import { createHmac, randomUUID } from 'node:crypto'
import { isSameSecret } from '../code/constant-time.ts'
import { open } from '../code/seal.ts'
import type { Member, Tenant } from '../directory/directory.ts'
import { nonceTake } from '../throttle/policy.ts'
import { type LoginOutcome, type LoginServices, logIn } from './log-in.ts'

export type AppLogin = {
  readonly appId: string
  /** Hex, any case. */
  readonly signature: string
  /** Unix seconds; 0 never expires. */
  readonly expireTime: number
  readonly nonce: string
  readonly userId: string | undefined
  /** Given, even if empty, makes it the service provider's form. */
  readonly corpId: string | undefined
  readonly clientType: number
  /** For a member that is created by its first login. */
  readonly name: string
  readonly deptCode: string
}

/** What an App ID login signs. */
export type SignedLogin = Pick<AppLogin, 'appId' | 'corpId' | 'userId' | 'expireTime' | 'nonce'>

/**
 * Signs an App ID login: HMAC-SHA-256 over `appId:[corpId:]userId:expireTime:nonce`.
 * @param key  The app key, used as the text it is. @returns Lower-case hex.
 */
export function signAppLogin(key: string, login: SignedLogin): string {
  const corp = login.corpId === undefined ? '' : `${login.corpId}:`
  const text = `${login.appId}:${corp}${login.userId ?? ''}:${login.expireTime}:${login.nonce}`
  return createHmac('sha256', key).update(text).digest('hex')
}

export async function appLogIn(services: LoginServices, login: AppLogin): Promise<LoginOutcome> {
  const { directory, ledgers } = services.store
  const now = services.clock.now()
  const app = await directory.app(login.appId)
  const key = app && open(services.ring, app.sealedKey, `app:${app.id}`)
  // An unknown app costs a MAC too.
  const expected = signAppLogin(key ?? 'nobody', login)
  if (!isSameSecret(login.signature.toLowerCase(), expected) || !app || key === undefined)
    return { kind: 'refused' }
  if (login.expireTime !== 0 && login.expireTime * 1000 <= now) return { kind: 'signature-expired' }
  const policy = services.policyOf(app)
  if (app.isDisabled || !policy.calls.includes('log-in')) return { kind: 'not-permitted' }
  const tenant = await directory.tenant(login.corpId || app.tenant)
  if (!tenant || (tenant.id !== app.tenant && !app.isServiceProvider)) return { kind: 'refused' }
  if (
    policy.refusesRepeatedNonce &&
    (await ledgers.take([nonceTake(app.id, login.nonce)])).kind === 'throttled'
  )
    return { kind: 'refused' }
  const found = login.userId
    ? await directory.memberByAccount(tenant.id, login.userId)
    : await directory.defaultAdministrator(tenant.id)
  if (!found && !login.userId) return { kind: 'refused' }
  const member = found ?? (await createMember(services, tenant, login, now))
  if (!member) return { kind: 'refused' }
  if (member.isDisabled) return { kind: 'member-disabled' }
  return logIn(services, { tenant, app, member }, login.clientType, !found)
}

async function createMember(
  services: LoginServices,
  tenant: Tenant,
  login: AppLogin,
  now: number,
): Promise<Member | undefined> {
  const account = login.userId!
  const member: Member = {
    id: randomUUID().replaceAll('-', ''),
    tenant: tenant.id,
    account,
    passwordHash: null,
    role: 'none',
    isDisabled: false,
    profile: { name: login.name || account, englishName: '', signature: '', title: '', description: '' },
    deptCode: login.deptCode,
    phone: null,
    phoneCountry: null,
    email: null,
    createdAt: now,
  }
  const [outcome] = await services.store.directory.putMembers([member])
  // Two first logins at once: the other one created it.
  return outcome?.kind === 'refused' ? services.store.directory.memberByAccount(tenant.id, account) : member
}
