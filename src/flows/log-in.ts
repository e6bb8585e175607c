/** A login of a recognised member: its outcomes, a new pair of tokens, and what a temporary password allows. */

import { randomBytes, randomUUID } from 'node:crypto'
import {
  type App,
  loginLimits,
  type Member,
  type Session,
  type Tenant,
  type Token,
  type TokenKind,
} from '../directory/directory.ts'
import type { Login } from '../store/directory.ts'
import type { Services } from './services.ts'
import { tokenHash } from './sessions.ts'

const accessMs = 24 * 3_600_000
const refreshMs = 30 * 24 * 3_600_000

/** The tokens in clear, which exist here and in the answer only. */
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
  /** Unknown app or wrong signature, unknown account or wrong password: the answer does not distinguish them. */
  | { readonly kind: 'refused' }
  | { readonly kind: 'signature-expired' }
  /** The signature is right but valid for longer than the app allows. */
  | { readonly kind: 'signature-long' }
  | { readonly kind: 'member-disabled' }
  | { readonly kind: 'locked'; readonly retryAfterMs: number }
  /** Too many log in at once. The login was not checked, and nothing counts. */
  | { readonly kind: 'busy' }
  | { readonly kind: 'not-permitted' }

/** The services that a login needs. */
export type LoginServices = Pick<Services, 'store' | 'ring' | 'clock' | 'sessions' | 'policyOf'>

/** The member who logs in, with tenant and app. */
export type Party = { readonly tenant: Tenant; readonly app: App; readonly member: Member }

/** How the member was recognised. */
export type LoginKind = 'app' | 'password'

/** Logins by a password have ids of their own form, because a temporary password bars those alone. */
const passwordLogin = 'p-'

/** Whether a session may do nothing but change the password that it was begun with. */
export function isBarredByPassword({ member, token }: Pick<Session, 'member' | 'token'>): boolean {
  return member.mustChangePassword && token.login.startsWith(passwordLogin)
}

/** Logs in a member whom the caller has recognised. */
export async function logIn(
  services: LoginServices,
  party: Party,
  clientType: number,
  kind: LoginKind,
  isFirst = false,
): Promise<LoggedIn | { readonly kind: 'refused' }> {
  const id = `${kind === 'password' ? passwordLogin : ''}${randomUUID()}`
  const { login, result } = newPair(services, party, clientType, id, isFirst)
  const { passwordHash } = party.member
  const isIn = await services.store.directory.logIn({
    ...login,
    // A login that began before a change of the password must not outlive it.
    ...(kind === 'password' && passwordHash !== null && { passwordHash }),
  })
  if (!isIn) return { kind: 'refused' }
  // A login may have evicted an older one.
  services.sessions.forget(party.member.id)
  return result
}

/**
 * An access and a refresh token.
 * @param id  Of their login.
 */
export function newPair(
  services: LoginServices,
  { tenant, app, member }: Party,
  clientType: number,
  id: string,
  isFirst = false,
): { login: Login; result: LoggedIn } {
  const createdAt = services.clock.now()
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
    login: { access, refresh, limits: loginLimits(clientType) },
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
