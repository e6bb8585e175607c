/** Refreshes a login's tokens, finds what they stand for, and ends them. */

import type { Session } from '../directory/directory.ts'
import { type LoginOutcome, type LoginServices, newPair } from './log-in.ts'
import { tokenHash } from './sessions.ts'

/**
 * Gives the login of a refresh token a new pair; older clients send an access token instead. The login's access tokens
 * stay live, because SDKs keep the one of their login. A refresh token that comes twice ends the login, whoever sends it
 * the second time. A caller that lost the first answer must log in again.
 */
export async function refreshLogin(services: LoginServices, token: string): Promise<LoginOutcome> {
  const session = await services.store.directory.session(tokenHash(token), ['refresh', 'access', 'spent'])
  if (!session) return { kind: 'refused' }
  return renew(services, session)
}

/**
 * Finds what a live access token stands for.
 * @param isRenewed  Whether its login gets a new pair; this token stays live.
 */
export async function validateToken(
  services: LoginServices,
  token: string,
  isRenewed: boolean,
): Promise<LoginOutcome | { readonly kind: 'valid'; readonly session: Session }> {
  const session = await services.store.directory.session(tokenHash(token), ['access'])
  if (!session) return { kind: 'refused' }
  if (session.member.isDisabled) return { kind: 'member-disabled' }
  if (session.app.isDisabled) return { kind: 'not-permitted' }
  return isRenewed ? renew(services, session) : { kind: 'valid', session }
}

/** Ends the login of a token. @returns false if it was no live one. */
export async function logOut(services: LoginServices, token: string): Promise<boolean> {
  const session = await services.sessions.find(token)
  const isEnded = await services.store.directory.logOut(tokenHash(token))
  if (session) services.sessions.forget(session.member.id)
  return isEnded
}

async function renew(services: LoginServices, session: Session): Promise<LoginOutcome> {
  const { token: old, tenant, app, member } = session
  // Not for a spent token: its second use must be recorded even if the caller is refused anyway.
  if (old.kind !== 'spent') {
    if (member.isDisabled) return { kind: 'member-disabled' }
    if (app.isDisabled || !services.policyOf(app).calls.includes('log-in')) return { kind: 'not-permitted' }
  }
  const { login: pair, result } = newPair(services, session, old.clientType, old.login)
  const { kind } = await services.store.directory.refresh(old.hash, pair)
  services.sessions.forget(member.id)
  if (kind === 'reused')
    services.store.journal
      .append({
        kind: 'refusal',
        tenant: tenant.id,
        app: app.id,
        member: member.id,
        verification: '',
        detail: { act: 'refresh', reason: 'reused' },
      })
      .catch(() => undefined)
  return kind === 'refreshed' ? result : { kind: 'refused' }
}
