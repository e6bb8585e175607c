/** The acts of a backend around the hosted page: it makes a session, and redeems once what the session came to. */

import { type Address, parseAddress } from '../address/address.ts'
import type { RefusalReason } from '../address/parsed.ts'
import { randomHex } from '../random.ts'
import type { Mismatch, Once, Replayed } from '../store/once.ts'
import { callerOf, isOfCaller } from './api-caller.ts'
import type { KeyHolder } from './api-keys.ts'
import { audienceFault } from './audience.ts'
import { type HostedSession, newSessionId, openResult, sealSession, sessionLifeMs } from './hosted-session.ts'
import { proofOf } from './proof-of.ts'
import type { ProofToken } from './proof-token.ts'
import { isListedReturn } from './return-url.ts'
import { isSameCall } from './same-call.ts'
import type { Services } from './services.ts'
import { type StartFault, waysFault } from './start-request.ts'
import { templateFault } from './start-verification.ts'
import { type VerificationView, viewOf } from './verification-view.ts'

export type NewHostedSession = Pick<
  HostedSession,
  'asks' | 'to' | 'returnUrl' | 'locale' | 'theme' | 'wishes'
>

export type MadeSession =
  | { readonly kind: 'made'; readonly id: string; readonly token: string; readonly expiresAt: number }
  | { readonly kind: 'return-url-not-listed' }
  | { readonly kind: 'address-invalid'; readonly reason: RefusalReason }
  | StartFault

/** @param origins  Of a publishable key: it sends people to its own pages only; null: of a server key. */
export async function makeSession(
  services: Services,
  { key, app }: KeyHolder,
  given: NewHostedSession,
  origins: readonly string[] | null,
): Promise<MadeSession> {
  const { pages, lifetimeMs } = services.policyOf(app)
  const isListed = isListedReturn(given.returnUrl, pages.returnUrls)
  if (!isListed || (origins !== null && !origins.includes(new URL(given.returnUrl).origin)))
    return { kind: 'return-url-not-listed' }
  let kinds: readonly Address['kind'][] =
    given.asks === 'phone' || given.asks === 'email' ? [given.asks] : ['phone', 'email']
  if (given.to !== null) {
    const parsed = parseAddress(given.to, services.addressRules)
    if (parsed.kind === 'refused') return { kind: 'address-invalid', reason: parsed.reason }
    kinds = [parsed.address.kind]
  }
  const lifeOf = (kind: Address['kind']) =>
    given.wishes.code?.lifetimeMs ?? lifetimeMs[kind === 'phone' ? 'sms' : 'email']
  // In every language, because only the page knows the person's.
  const fault =
    waysFault(kinds, given.wishes, lifeOf) ??
    templateFault(services, given.wishes) ??
    (await audienceFault(services, { app }, given.wishes.audience))
  if (fault) return fault
  const id = newSessionId()
  const expiresAt = services.clock.now() + sessionLifeMs
  const session: HostedSession = {
    ...given,
    id,
    keyHash: key.hash,
    wishes: { subject: id, ...given.wishes },
    frameAncestors: pages.frameAncestors,
    verification: null,
    expiresAt,
  }
  return { kind: 'made', id, token: sealSession(services.ring, session), expiresAt }
}

export type Redeemed =
  | ({
      readonly kind: 'redeemed'
      readonly session: string
      readonly view: VerificationView
      /** null: the app's policy wants none. */
      readonly proof: ProofToken | null
    } & Replayed)
  | { readonly kind: 'redeemed-before' }
  | Mismatch
  /** No result of this server, of another app, or too old. */
  | { readonly kind: 'not-found' }

/** How long a redemption is remembered: longer than the result lives. */
const rememberedMs = 86_400_000

/** @param once  A call that is made again with the same key and body after a lost answer succeeds again. */
export async function redeemResult(
  services: Services,
  holder: KeyHolder,
  text: string,
  once?: Once,
): Promise<Redeemed> {
  const { ring, clock, store } = services
  const { app } = holder
  const now = clock.now()
  const before = once && (await store.consumptions.consumer(`once ${once.key}`))
  if (before !== undefined && before !== once!.fingerprint) return { kind: 'mismatch' }
  const result = openResult(ring, text, now)
  if (!result || result.app !== app.id) return { kind: 'not-found' }
  const record = await store.verifications.get(result.verification)
  if (!record || !isOfCaller(callerOf(holder), record)) return { kind: 'not-found' }
  // After everything that is not this caller's, which must leave nothing behind.
  if (once && !(await isSameCall(services, once))) return { kind: 'mismatch' }
  // Not the text, nor the verification: whoever finds the page's URL could verify an address of their own with it, and
  // have the result redeemed for the same session.
  const thing = `hosted ${result.session}`
  const by = `${app.id} ${once ? `${once.key} ${once.fingerprint}` : randomHex(16)}`
  const isReplay = once !== undefined && (await store.consumptions.consumer(thing)) === by
  const isFirst = await store.consumptions.consume({ thing, by, expiresAt: now + rememberedMs })
  if (!isFirst) return { kind: 'redeemed-before' }
  return {
    kind: 'redeemed',
    session: result.session,
    view: viewOf(record, now, services.policyOf(app).maxSubmissions),
    proof: proofOf(services, app, record, result.channel),
    ...(isReplay && { replayed: true }),
  }
}
