/** What becomes of a login's tokens: exchanged, told what they stand for, ended. */

import type { Session } from '../directory/directory.ts'
import { type LoginOutcome, type LoginServices, newLogin } from './log-in.ts'
import { tokenHash } from './sessions.ts'

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
