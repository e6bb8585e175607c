/** The sessions of tokens, each remembered for less than a second, so that a logout takes effect everywhere within one. */

import { hash } from 'node:crypto'
import type { Session } from '../directory/directory.ts'
import type { Store } from '../store/store.ts'

export type { Session }

export type Sessions = {
  /** The session of a live access token; undefined if there is none. */
  find(accessToken: string): Session | undefined | Promise<Session | undefined>
  /** Forgets the remembered sessions of a member, after a change to the member in this process. */
  forget(member: string): void
}

/** From the question on, because the answer may be as old as that. */
const rememberMs = 800
const maxRemembered = 50_000

type Remembered = {
  readonly session: Session
  readonly until: number
  readonly expiresAt: number
}

/** Tokens are stored as hashes, so a stolen store has none. They are random, so they need no salt and no slow hash. */
export function tokenHash(token: string): string {
  return hash('sha256', token, 'base64url')
}

export function createSessions(store: Pick<Store, 'directory'>, now: () => number): Sessions {
  let remembered = new Map<string, Remembered>()
  /** The hashes of each member's remembered tokens: every login forgets its member, so this must not cost a search. */
  let ofMember = new Map<string, Set<string>>()
  const asking = new Map<string, Promise<Session | undefined>>()

  function remember(key: string, session: Session, askedAt: number): void {
    if (remembered.size >= maxRemembered) {
      remembered = new Map()
      ofMember = new Map()
    }
    remembered.set(key, {
      session,
      until: askedAt + rememberMs,
      expiresAt: session.token.expiresAt,
    })
    const keys = ofMember.get(session.member.id)
    if (keys) keys.add(key)
    else ofMember.set(session.member.id, new Set([key]))
  }

  return {
    find(accessToken) {
      const key = tokenHash(accessToken)
      const known = remembered.get(key)
      if (known && known.until > performance.now()) return known.expiresAt > now() ? known.session : undefined
      // Of requests that miss the same session at the same moment, one asks the store for all.
      const asked = asking.get(key)
      if (asked) return asked
      const askedAt = performance.now()
      const answer = store.directory
        .session(key, ['access'])
        .then((session) => {
          // Unknown tokens are not remembered, because they would push out sessions of real callers.
          if (session && asking.get(key) === answer) remember(key, session, askedAt)
          return session
        })
        .finally(() => {
          if (asking.get(key) === answer) asking.delete(key)
        })
      asking.set(key, answer)
      return answer
    },

    forget(member) {
      for (const key of ofMember.get(member) ?? []) remembered.delete(key)
      ofMember.delete(member)
      // An answer that is on its way may be older than the change. Its callers get it, but it is not remembered.
      asking.clear()
    },
  }
}
