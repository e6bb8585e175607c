/** App ID login: a signature by the app's key logs in a member of its tenant. The first login creates the member. */

import { createHmac, randomUUID } from 'node:crypto'
import { isSameSecret } from '../code/constant-time.ts'
import { open } from '../code/seal.ts'
import { rootDepartment } from '../directory/department.ts'
import { type Member, memberDefaults, type Tenant } from '../directory/directory.ts'
import { nonceLimit } from '../throttle/policy.ts'
import { type LoginOutcome, type LoginServices, logIn } from './log-in.ts'

export type AppLogin = {
  readonly appId: string
  /** Hex, any case. */
  readonly signature: string
  /** Unix seconds; 0 never expires. */
  readonly expireTime: number
  readonly nonce: string
  readonly userId: string | undefined
  /** If it is there, even empty, the login has the form of a service provider. */
  readonly corpId: string | undefined
  readonly clientType: number
  /** For a member that this login creates. If empty, the name is the account and the department the whole enterprise. */
  readonly name: string
  readonly deptCode: string
}

/** The fields that an App ID login signs. */
export type SignedLogin = Pick<AppLogin, 'appId' | 'corpId' | 'userId' | 'expireTime' | 'nonce'>

/**
 * The pattern (Unicode) of a signed field. The signed text joins fields with colons, so a field with a colon could be read
 * as two fields. Unpaired surrogates are refused because UTF-8 turns all of them into the same character.
 */
export const signedField = '^[^:\\u0000-\\u001f\\u007f-\\u009f\\ud800-\\udfff]*$'

/** A signature valid for longer is as good as a password, so it is refused unless the app's policy allows it. */
export const maxSignatureMs = 7 * 86_400_000

/**
 * The text that an App ID login signs: `appId:[corpId:]userId:expireTime:nonce`. No field holds a colon, so it can be read
 * in one way only: three colons are the one form, four the other.
 */
export function signedText({ appId, corpId, userId, expireTime, nonce }: SignedLogin): string {
  return [appId, ...(corpId === undefined ? [] : [corpId]), userId ?? '', expireTime, nonce].join(':')
}

/**
 * Signs an App ID login: HMAC-SHA-256 over its `signedText`.
 * @param key  The app key, used as the text it is. @returns Lower-case hex.
 */
export function signAppLogin(key: string, login: SignedLogin): string {
  return createHmac('sha256', key).update(signedText(login)).digest('hex')
}

export async function appLogIn(services: LoginServices, login: AppLogin): Promise<LoginOutcome> {
  const { directory, limiters } = services.store
  const now = services.clock.now()
  const app = await directory.app(login.appId)
  const key = app && open(services.ring, app.sealedKey, `app:${app.id}`)
  // The key before a reset serves on for the overlap.
  const isOverlap = app?.previousKey ? app.previousKey.until > now : false
  const previous = isOverlap ? open(services.ring, app!.previousKey!.sealed, `app:${app!.id}`) : undefined
  const signature = login.signature.toLowerCase()
  // Both are computed for an unknown app too, so that it takes the same time.
  const isByKey = isSameSecret(signature, signAppLogin(key ?? 'nobody', login))
  const isByPrevious = isSameSecret(signature, signAppLogin(previous ?? 'nobody', login))
  const isSigned = (key !== undefined && isByKey) || (previous !== undefined && isByPrevious)
  if (!app || !isSigned) return { kind: 'refused' }
  const expiresAt = login.expireTime === 0 ? Number.POSITIVE_INFINITY : login.expireTime * 1000
  if (expiresAt <= now) return { kind: 'signature-expired' }
  const policy = services.policyOf(app)
  if (expiresAt > now + maxSignatureMs && !policy.allowsLongSignatures) return { kind: 'signature-long' }
  if (app.isDisabled || !policy.calls.includes('log-in')) return { kind: 'not-permitted' }
  const tenant = await directory.tenant(login.corpId || app.tenant)
  if (!tenant || (tenant.id !== app.tenant && !app.isServiceProvider)) return { kind: 'refused' }
  if (
    policy.refusesRepeatedNonce &&
    (await limiters.acquire([nonceLimit(app.id, login.nonce, maxSignatureMs)])).kind === 'throttled'
  )
    return { kind: 'refused' }
  const found = login.userId
    ? await directory.memberByUserId(tenant.id, login.userId)
    : await directory.defaultAdministrator(tenant.id)
  if (!found && (!login.userId || !tenant.autoUserCreate)) return { kind: 'refused' }
  const member = found ?? (await createMember(services, tenant, login, now))
  if (!member) return { kind: 'refused' }
  if (member.isDisabled) return { kind: 'member-disabled' }
  return logIn(services, { tenant, app, member }, login.clientType, 'app', !found)
}

async function createMember(
  services: LoginServices,
  tenant: Tenant,
  login: AppLogin,
  now: number,
): Promise<Member | undefined> {
  const account = login.userId!
  const member: Member = {
    ...memberDefaults,
    id: randomUUID().replaceAll('-', ''),
    tenant: tenant.id,
    account,
    thirdAccount: account,
    passwordHash: null,
    role: 'none',
    isDisabled: false,
    profile: { name: login.name || account, englishName: '', signature: '', title: '', description: '' },
    deptCode: login.deptCode || rootDepartment,
    phone: null,
    phoneCountry: null,
    email: null,
    createdAt: now,
  }
  const [outcome] = await services.store.directory.putMembers([member])
  // Of two first logins at once, the other one created the member.
  return outcome?.kind === 'refused' ? services.store.directory.memberByUserId(tenant.id, account) : member
}
