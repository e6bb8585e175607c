/**
 * Sessions of the hosted page: sealed into their own token, so that nothing is stored for a page that nobody opens. A start
 * makes another token of the same session, which knows the verification too.
 */

import type { KeyRing } from '../code/key-ring.ts'
import { open, seal } from '../code/seal.ts'
import { randomHex } from '../random.ts'
import type { StartRequest } from './start-request.ts'

export const askables = ['phone', 'email', 'either'] as const
export const themes = ['auto', 'light', 'dark'] as const

export type HostedSession = {
  /** `ses_` and 128 random bits: its maker compares it when the person comes back. */
  readonly id: string
  /** SHA-256 of the API key it was made with: it acts for that key, and ends with it. */
  readonly keyHash: string
  /** For each start. Without a subject of its maker, the session itself is the subject, so that its limits hold. */
  readonly wishes: Pick<
    StartRequest,
    | 'purpose'
    | 'subject'
    | 'isHolder'
    | 'channel'
    | 'plan'
    | 'code'
    | 'template'
    | 'values'
    | 'metadata'
    | 'audience'
    | 'nonce'
    | 'proof'
    | 'testRisk'
  >
  /** The kind of address that the person may enter; `none`: its maker gave one. */
  readonly asks: (typeof askables)[number] | 'none'
  /** The address: of its maker, or as the person entered it. */
  readonly to: string | null
  readonly returnUrl: string
  /** Origins of pages that may show the page in a frame. */
  readonly frameAncestors: readonly string[]
  /** BCP 47; null: the language of the browser. */
  readonly locale: string | null
  readonly theme: (typeof themes)[number]
  /** Id in the store; null: none was started. */
  readonly verification: string | null
  /** Time of this process, ms. */
  readonly expiresAt: number
}

/** The right to be told once, from server to server, what a session came to. */
export type HostedResult = {
  readonly session: string
  readonly app: string
  readonly verification: string
  /** The channel that brought the code. */
  readonly channel: string
  readonly expiresAt: number
}

/** A person who looks for a phone in another room still finds the page alive. */
export const sessionLifeMs = 30 * 60_000
/** The person is on the way back: their browser hands the result on within seconds. */
const resultLifeMs = 10 * 60_000

const contexts = { session: 'hosted-session', result: 'hosted-result' } as const

export function newSessionId(): string {
  return `ses_${randomHex(16)}`
}

export function sealSession(ring: KeyRing, session: HostedSession): string {
  return seal(ring, JSON.stringify(session), contexts.session)
}

/** @returns undefined if the token is not of this server, was changed, or its session is over. */
export function openSession(ring: KeyRing, token: string, now: number): HostedSession | undefined {
  return opened<HostedSession>(ring, token, contexts.session, now)
}

export function sealResult(ring: KeyRing, result: Omit<HostedResult, 'expiresAt'>, now: number): string {
  return seal(ring, JSON.stringify({ ...result, expiresAt: now + resultLifeMs }), contexts.result)
}

/** @returns undefined if the token is not of this server, was changed, or is too old. */
export function openResult(ring: KeyRing, token: string, now: number): HostedResult | undefined {
  return opened<HostedResult>(ring, token, contexts.result, now)
}

function opened<T extends { readonly expiresAt: number }>(
  ring: KeyRing,
  token: string,
  context: string,
  now: number,
): T | undefined {
  const text = open(ring, token, context)
  if (text === undefined) return undefined
  // Sealed by this server alone, so it has the form that it was sealed with.
  const value = JSON.parse(text) as T
  return value.expiresAt > now ? value : undefined
}
