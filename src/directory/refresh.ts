/** Decides what follows for a login when one of its tokens asks for a new pair. */

import type { LoginLimits, TokenKind } from './directory.ts'

/**
 * - gone: unknown, run out, or of a login that has spent as many as are kept to be known again.
 * - reused: spent before, so somebody else may hold it, and the whole login ends.
 * - refreshed: gets a new pair; `spends` if the token may not ask again. An access token may.
 */
type Refresh = { readonly kind: 'gone' | 'reused' } | { readonly kind: 'refreshed'; readonly spends: boolean }

/** @param token  Live; `spent`: how many refresh tokens of its login are. Undefined if there is none. */
export function decideRefresh(
  token: { readonly kind: TokenKind; readonly spent: number } | undefined,
  limits: LoginLimits,
): Refresh {
  switch (token?.kind) {
    case undefined:
      return { kind: 'gone' }
    case 'spent':
      return { kind: 'reused' }
    case 'access':
      return { kind: 'refreshed', spends: false }
    case 'refresh':
      return token!.spent >= limits.spent ? { kind: 'gone' } : { kind: 'refreshed', spends: true }
  }
}
