/** What becomes of a login's tokens: exchanged, told what they stand for, ended. */

import type { Session } from '../directory/directory.ts'
import { type LoginOutcome, type LoginServices, newPair } from './log-in.ts'
import { tokenHash } from './sessions.ts'

/**
 * Gives the login of a refresh token, or as older clients do of an access token, a new pair. Its access tokens live
 * on, for SDKs keep the one they logged in with. A refresh token that comes twice ends the login, whoever is second
 * and whatever became of the first answer: who lost it logs in again.
 */
export async function refreshLogin(services: LoginServices, token: string): Promise<LoginOutcome> {
  const session = await services.store.directory.session(tokenHash(token), ['refresh', 'access', 'spent'])
  if (!session) return { kind: 'refused' }
  return renew(services, session)
}

/**
 * What a live access token stands for.
 * @param isRenewed  Give its login a new pair; this token lives on.
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
  // Not of a spent one: that it came again is noted even of who is refused anyway.
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
