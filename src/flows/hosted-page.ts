/** The acts of the hosted page: a person enters an address and a code, and the maker of the session learns the outcome once. */

import { type Address, parseAddress } from '../address/address.ts'
import type { RefusalReason } from '../address/parsed.ts'
import { randomHex } from '../random.ts'
import type { Throttled } from '../throttle/acquire.ts'
import { callerOf, isOfCaller } from './api-caller.ts'
import type { KeyHolder } from './api-keys.ts'
import { checkVerification } from './check-verification.ts'
import {
  type HostedSession,
  newSessionId,
  openResult,
  openSession,
  sealResult,
  sealSession,
  sessionLifeMs,
} from './hosted-session.ts'
import { proofOf } from './proof-of.ts'
import type { ProofToken } from './proof-token.ts'
import { isListedReturn } from './return-url.ts'
import type { Services } from './services.ts'
import { startVerification } from './start-verification.ts'
import { type VerificationView, viewOf } from './verification-view.ts'

/** A session with whoever made it. */
export type Hosted = { readonly session: HostedSession; readonly holder: KeyHolder }

export type NewHostedSession = Pick<
  HostedSession,
  'asks' | 'returnUrl' | 'locale' | 'theme' | 'metadata' | 'nonce' | 'purpose'
> & {
  readonly to: string | null
  /** The maker's own word for the person; null: the session itself. */
  readonly subject: string | null
}

export type MadeSession =
  | { readonly kind: 'made'; readonly id: string; readonly token: string; readonly expiresAt: number }
  | { readonly kind: 'return-url-not-listed' }
  | { readonly kind: 'address-invalid'; readonly reason: RefusalReason }

/** @param origins  Of a publishable key: it sends people to its own pages only; null: of a server key. */
export function makeSession(
  services: Services,
  { key, app }: KeyHolder,
  wishes: NewHostedSession,
  origins: readonly string[] | null,
): MadeSession {
  const { pages } = services.policyOf(app)
  const isListed = isListedReturn(wishes.returnUrl, pages.returnUrls)
  if (!isListed || (origins !== null && !origins.includes(new URL(wishes.returnUrl).origin)))
    return { kind: 'return-url-not-listed' }
  if (wishes.to !== null) {
    const parsed = parseAddress(wishes.to, services.addressRules)
    if (parsed.kind === 'refused') return { kind: 'address-invalid', reason: parsed.reason }
  }
  const id = newSessionId()
  const expiresAt = services.clock.now() + sessionLifeMs
  const session: HostedSession = {
    ...wishes,
    id,
    keyHash: key.hash,
    subject: wishes.subject ?? id,
    frameAncestors: pages.frameAncestors,
    verification: null,
    expiresAt,
  }
  return { kind: 'made', id, token: sealSession(services.ring, session), expiresAt }
}

/** @returns undefined if there is no such session, it is over, or its key is no longer in force. */
export async function findHosted(services: Services, token: string): Promise<Hosted | undefined> {
  const session = openSession(services.ring, token, services.clock.now())
  if (!session) return undefined
  const holder = await services.apiKeys.findByHash(session.keyHash)
  return holder && { session, holder }
}

export type StartedOnPage =
  | { readonly kind: 'started'; readonly token: string; readonly view: VerificationView }
  | { readonly kind: 'address-invalid'; readonly reason: RefusalReason | 'kind' }
  | { readonly kind: 'unreachable' }
  | Throttled

/**
 * Starts a verification of the address that the person entered, or again of the one before.
 * @param to  undefined: the address that the session has.
 * @param locale  The language that the page is in.
 * @param network  The person's.
 */
export async function startOnPage(
  services: Services,
  { session, holder }: Hosted,
  { to, locale, network }: { readonly to?: string; readonly locale?: string; readonly network: string },
): Promise<StartedOnPage> {
  // What the maker of the session gave cannot be exchanged by the person.
  const text = session.asks === 'none' ? session.to : (to ?? session.to)
  if (text === null) return { kind: 'address-invalid', reason: 'length' }
  const parsed = parseAddress(text, services.addressRules)
  if (parsed.kind === 'refused') return { kind: 'address-invalid', reason: parsed.reason }
  const { address } = parsed
  if (!isAsked(session, address)) return { kind: 'address-invalid', reason: 'kind' }
  const wanted = session.locale ?? locale
  const outcome = await startVerification(services, callerOf(holder), {
    to: address,
    purpose: session.purpose,
    subject: session.subject,
    network,
    ...(wanted !== undefined && { locale: wanted }),
    ...(session.metadata && { metadata: session.metadata }),
    ...(session.nonce !== null && { nonce: session.nonce }),
  })
  switch (outcome.kind) {
    case 'started':
    case 'live':
    case 'kept':
    case 'held': {
      const next = { ...session, to: text, verification: outcome.view.id }
      return { kind: 'started', token: sealSession(services.ring, next), view: outcome.view }
    }
    case 'refused-by-guard':
    case 'mismatch':
      throw new Error(`${outcome.kind}, and nothing was wished that leads to it`)
    case 'invalid':
      // A session wishes nothing that a policy could refuse.
      throw new Error(outcome.detail)
    default:
      return outcome
  }
}

function isAsked({ asks }: HostedSession, { kind }: Address): boolean {
  return asks === 'either' || asks === 'none' || asks === kind
}

export type CheckedOnPage =
  /** @property result  To be handed to the maker of the session by the way back. */
  { readonly kind: 'verified'; readonly result: string } | { readonly kind: 'refused' }

/** @returns undefined if nothing was started yet, or it is past its retention. */
export async function checkOnPage(
  services: Services,
  { session, holder }: Hosted,
  entered: string,
): Promise<CheckedOnPage | undefined> {
  if (session.verification === null) return undefined
  const outcome = await checkVerification(services, callerOf(holder), session.verification, entered)
  if (outcome.kind === 'not-found') return undefined
  if (outcome.kind !== 'verified') return { kind: 'refused' }
  const { channel } = outcome
  const result = {
    session: session.id,
    app: holder.app.id,
    verification: session.verification,
    channel,
  }
  return { kind: 'verified', result: sealResult(services.ring, result, services.clock.now()) }
}

/** The verification of a session as it is now; undefined if there is none. */
export async function viewOnPage(
  services: Services,
  { session, holder }: Hosted,
): Promise<VerificationView | undefined> {
  if (session.verification === null) return undefined
  const record = await services.store.verifications.get(session.verification)
  if (!record || !isOfCaller(callerOf(holder), record)) return undefined
  return viewOf(record, services.clock.now(), services.policyOf(holder.app).maxSubmissions)
}

export type Redeemed =
  | {
      readonly kind: 'redeemed'
      readonly session: string
      readonly view: VerificationView
      /** null: the app's policy wants none. */
      readonly proof: ProofToken | null
    }
  | { readonly kind: 'redeemed-before' }
  /** No result of this server, of another app, or too old. */
  | { readonly kind: 'not-found' }

/** How long a redemption is remembered: longer than the result lives. */
const rememberedMs = 86_400_000

/** @param by  Who redeems it. A call that is made again with the same name after a lost answer succeeds again. */
export async function redeemResult(
  services: Services,
  holder: KeyHolder,
  text: string,
  by: string = randomHex(16),
): Promise<Redeemed> {
  const { ring, clock, store } = services
  const { app } = holder
  const now = clock.now()
  const result = openResult(ring, text, now)
  if (!result || result.app !== app.id) return { kind: 'not-found' }
  const record = await store.verifications.get(result.verification)
  if (!record || !isOfCaller(callerOf(holder), record)) return { kind: 'not-found' }
  const isFirst = await store.consumptions.consume({
    // Not the text: a check that is repeated after a lost answer makes another text for the same verification.
    thing: `result ${result.verification}`,
    by: `${app.id} ${by}`,
    expiresAt: now + rememberedMs,
  })
  if (!isFirst) return { kind: 'redeemed-before' }
  return {
    kind: 'redeemed',
    session: result.session,
    view: viewOf(record, now, services.policyOf(app).maxSubmissions),
    proof: proofOf(services, app, record, result.channel),
  }
}
