/** Logging in: App ID and account logins, refresh, validation and logout, all ending in a pair of tokens. */

import { createHmac, randomBytes, randomUUID } from 'node:crypto'
import { isSameSecret } from '../code/constant-time.ts'
import { open } from '../code/seal.ts'
import {
  type App,
  type Member,
  mostLogins,
  type Session,
  type Tenant,
  type Token,
  type TokenKind,
} from '../directory/directory.ts'
import { hashPassword, isRightPassword } from '../directory/password.ts'
import type { Login } from '../store/directory.ts'
import { nonceTake, passwordTake } from '../throttle/policy.ts'
import type { Services } from './services.ts'
import { tokenHash } from './sessions.ts'

const accessMs = 24 * 3_600_000
const refreshMs = 30 * 24 * 3_600_000

/** Tokens in clear exist here and in the answer, nowhere else. */
export type LoggedIn = {
  readonly kind: 'logged-in'
  readonly session: Session
  readonly accessToken: string
  readonly refreshToken: string
  readonly refreshExpiresAt: number
  readonly isFirst: boolean
}

export type LoginOutcome =
  | LoggedIn
  /** Unknown app or wrong signature; unknown account or wrong password: not told apart. */
  | { readonly kind: 'refused' }
  | { readonly kind: 'signature-expired' }
  | { readonly kind: 'member-disabled' }
  | { readonly kind: 'locked'; readonly retryAfterMs: number }
  | { readonly kind: 'not-permitted' }

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

/** What logging in needs of the services. */
export type LoginServices = Pick<Services, 'store' | 'ring' | 'clock' | 'sessions' | 'policyOf'>

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

export async function accountLogIn(
  services: LoginServices,
  account: string,
  password: string,
  clientType: number,
): Promise<LoginOutcome> {
  const { directory, ledgers } = services.store
  const member = await directory.memberByLogin(account)
  // Counted before compared, for unknown accounts too: being locked tells nothing about existing.
  const take = passwordTake(account)
  const taken = await ledgers.take([take])
  if (taken.kind === 'throttled') return { kind: 'locked', retryAfterMs: taken.retryAfterMs }
  const isRight = await isRightPassword(password, member?.passwordHash ?? (await nobodysHash()))
  if (!member || !isRight) return { kind: 'refused' }
  await ledgers.giveBack(taken.takings)
  if (member.isDisabled) return { kind: 'member-disabled' }
  const tenant = await directory.tenant(member.tenant)
  const app = tenant && (await directory.app(tenant.accountApp))
  if (!app || app.isDisabled || !services.policyOf(app).calls.includes('log-in'))
    return { kind: 'not-permitted' }
  return logIn(services, { tenant, app, member }, clientType, false)
}

/** Exchanges a refresh token, or as older clients do an access token, for a new login. */
export async function refreshLogin(services: LoginServices, token: string): Promise<LoginOutcome> {
  const session = await services.store.directory.session(tokenHash(token), ['refresh', 'access'])
  if (!session) return { kind: 'refused' }
  return renew(services, session, token)
}

/**
 * What a live access token stands for.
 * @param isRenewed  Replace the login by a new one.
 */
export async function validateToken(
  services: LoginServices,
  token: string,
  isRenewed: boolean,
): Promise<LoginOutcome | { readonly kind: 'valid'; readonly session: Session }> {
  const session = await services.store.directory.session(tokenHash(token), ['access'])
  if (!session) return { kind: 'refused' }
  if (session.member.isDisabled) return { kind: 'member-disabled' }
  return isRenewed ? renew(services, session, token) : { kind: 'valid', session }
}

/** Ends the login of a token. @returns false if it was no live one. */
export async function logOut(services: LoginServices, token: string): Promise<boolean> {
  const session = await services.sessions.find(token)
  const isEnded = await services.store.directory.logOut(tokenHash(token))
  if (session) services.sessions.forget(session.member.id)
  return isEnded
}

async function renew(services: LoginServices, session: Session, token: string): Promise<LoginOutcome> {
  if (session.member.isDisabled) return { kind: 'member-disabled' }
  if (session.app.isDisabled) return { kind: 'not-permitted' }
  const { login, result } = newLogin(services, session, session.token.clientType, false)
  const isRenewed = await services.store.directory.refresh(tokenHash(token), login)
  services.sessions.forget(session.member.id)
  return isRenewed ? result : { kind: 'refused' }
}

type Party = { readonly tenant: Tenant; readonly app: App; readonly member: Member }

async function logIn(
  services: LoginServices,
  party: Party,
  clientType: number,
  isFirst: boolean,
): Promise<LoggedIn> {
  const { login, result } = newLogin(services, party, clientType, isFirst)
  await services.store.directory.logIn(login)
  // A login may have evicted an older one.
  services.sessions.forget(party.member.id)
  return result
}

function newLogin(
  services: LoginServices,
  { tenant, app, member }: Party,
  clientType: number,
  isFirst: boolean,
): { login: Login; result: LoggedIn } {
  const createdAt = services.clock.now()
  const id = randomUUID()
  const accessToken = newToken()
  const refreshToken = newToken()
  const tokenOf = (token: string, kind: TokenKind, lifeMs: number): Token => ({
    hash: tokenHash(token),
    kind,
    login: id,
    tenant: tenant.id,
    app: app.id,
    member: member.id,
    clientType,
    createdAt,
    expiresAt: createdAt + lifeMs,
  })
  const access = tokenOf(accessToken, 'access', accessMs)
  const refresh = tokenOf(refreshToken, 'refresh', refreshMs)
  return {
    login: { access, refresh, mostLogins: mostLogins(clientType) },
    result: {
      kind: 'logged-in',
      session: { token: access, tenant, app, member },
      accessToken,
      refreshToken,
      refreshExpiresAt: refresh.expiresAt,
      isFirst,
    },
  }
}

/** 40 characters of A-Z, a-z, 0-9: more than 230 random bits. */
function newToken(): string {
  let token = ''
  while (token.length < 40)
    token += randomBytes(48)
      .toString('base64')
      .replace(/[^A-Za-z0-9]/g, '')
  return token.slice(0, 40)
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

let nobody: Promise<string> | undefined

/** A hash nobody's password has, so that an unknown account takes as long as a known one. */
function nobodysHash(): Promise<string> {
  nobody = nobody ?? hashPassword(randomBytes(24).toString('hex'))
  return nobody
}
