/** Which token stands for whom, remembered for less than a second so that a logout is seen everywhere within one. */

import { hash } from 'node:crypto'
import type { Session } from '../directory/directory.ts'
import type { Store } from '../store/store.ts'

export type { Session }

export type Sessions = {
  /** The session of a live access token; undefined if there is none. */
  find(accessToken: string): Session | undefined | Promise<Session | undefined>
  /** Forgets what is remembered of a member, after a change to it in this process. */
  forget(member: string): void
}

const rememberMs = 800
const mostRemembered = 50_000

type Remembered = {
  readonly session: Session | undefined
  readonly until: number
  readonly expiresAt: number
}

/** How tokens are kept: a stolen store gives none away. Tokens are random, so no salt and no slow hash. */
export function tokenHash(token: string): string {
  return hash('sha256', token, 'base64url')
}

export function createSessions(store: Pick<Store, 'directory'>, now: () => number): Sessions {
  let remembered = new Map<string, Remembered>()
  const asking = new Map<string, Promise<Session | undefined>>()

  return {
    find(accessToken) {
      const key = tokenHash(accessToken)
      const known = remembered.get(key)
      if (known && known.until > performance.now()) return known.expiresAt > now() ? known.session : undefined
      // Many requests may find the same session forgotten in the same instant: one asks for all.
      const asked = asking.get(key)
      if (asked) return asked
      const answer = store.directory
        .session(key, ['access'])
        .then((session) => {
          if (remembered.size >= mostRemembered) remembered = new Map()
          // Unknown tokens are not remembered: they would push out those of real callers.
          if (session && asking.get(key) === answer)
            remembered.set(key, {
              session,
              until: performance.now() + rememberMs,
              expiresAt: session.token.expiresAt,
            })
          return session
        })
        .finally(() => {
          if (asking.get(key) === answer) asking.delete(key)
        })
      asking.set(key, answer)
      return answer
    },

    forget(member) {
      for (const [key, { session }] of remembered) if (session?.member.id === member) remembered.delete(key)
      // An answer on its way may be older than the change: it serves its askers and is not kept.
      asking.clear()
    },
  }
}
