/**
 * The acts of a person on the hosted page, by the token of the session alone. They are made for whoever made the session,
 * and end with the key that it was made with.
 */

import { type Address, parseAddress } from '../address/address.ts'
import type { RefusalReason } from '../address/parsed.ts'
import { type Channel, channels } from '../message/channel.ts'
import type { Mismatch, Once, Replayed } from '../store/once.ts'
import type { Throttled } from '../throttle/acquire.ts'
import { callerOf } from './api-caller.ts'
import type { KeyHolder } from './api-keys.ts'
import type { PowChallenge } from './challenge.ts'
import { checkVerification } from './check-verification.ts'
import { type HostedSession, openSession, sealResult, sealSession } from './hosted-session.ts'
import { readVerification } from './read-verification.ts'
import type { Services } from './services.ts'
import { pageHost, waysTo } from './start-request.ts'
import { startVerification } from './start-verification.ts'
import { type SendAgainOutcome, type SolveOutcome, sendAgain, solveChallenge } from './verification-acts.ts'
import type { VerificationView } from './verification-view.ts'

/** A session with whoever made it. */
export type Hosted = { readonly session: HostedSession; readonly holder: KeyHolder }

/** @returns undefined if there is no such session, it is over, or its key is no longer in force. */
export async function findHosted(services: Services, token: string): Promise<Hosted | undefined> {
  const session = openSession(services.ring, token, services.clock.now())
  if (!session) return undefined
  const holder = await services.apiKeys.findByHash(session.keyHash)
  return holder && { session, holder }
}

export type StartedOnPage =
  | ({
      readonly kind: 'started'
      /** Of the same session, for the acts from now on. */
      readonly token: string
      readonly view: VerificationView
      /** While it is held. */
      readonly challenge?: PowChallenge
    } & Replayed)
  | { readonly kind: 'address-invalid'; readonly reason: RefusalReason | 'kind' }
  | { readonly kind: 'unreachable' }
  /** What its maker wished can no longer be had, since settings or templates changed. */
  | { readonly kind: 'outdated'; readonly detail: string }
  | { readonly kind: 'refused-by-guard'; readonly explanation: string }
  | Throttled
  | Mismatch

/**
 * Starts a verification of the address that the person entered, or again of the one before.
 * @param wishes.to  undefined: the address that the session has.
 * @param wishes.locale  The language that the page is in.
 * @param wishes.network  The person's.
 */
export async function startOnPage(
  services: Services,
  hosted: Hosted,
  wishes: { readonly to?: string; readonly locale?: string; readonly network: string },
  once?: Once,
): Promise<StartedOnPage> {
  const { session, holder } = hosted
  // What the maker of the session gave cannot be exchanged by the person.
  const text = session.asks === 'none' ? session.to : (wishes.to ?? session.to)
  if (text === null) return { kind: 'address-invalid', reason: 'length' }
  const parsed = parseAddress(text, services.addressRules)
  if (parsed.kind === 'refused') return { kind: 'address-invalid', reason: parsed.reason }
  const { address } = parsed
  if (!isAsked(session, address)) return { kind: 'address-invalid', reason: 'kind' }
  const locale = session.locale ?? wishes.locale
  const origin = pageHost(services)
  const { channel, plan, ...others } = session.wishes
  const outcome = await startVerification(
    services,
    callerOf(holder),
    {
      ...others,
      ...waysTo(address, { ...(channel && { channel }), ...(plan && { plan }) }),
      to: address,
      network: wishes.network,
      ...(locale !== undefined && { locale }),
      ...(origin !== undefined && { origin }),
    },
    once,
  )
  switch (outcome.kind) {
    case 'started':
    case 'live':
    case 'kept':
    case 'held': {
      const { view, replayed } = outcome
      return {
        kind: 'started',
        token: sealSession(services.ring, { ...session, to: text, verification: view.id }),
        view,
        ...('challenge' in outcome && { challenge: outcome.challenge }),
        ...(replayed && { replayed }),
      }
    }
    case 'invalid':
      // A step of a plan that no carrier serves where the person's number is.
      return outcome.pointer.startsWith('/plan/')
        ? { kind: 'unreachable' }
        : { kind: 'outdated', detail: `${outcome.pointer}: ${outcome.detail}` }
    default:
      return outcome
  }
}

function isAsked({ asks }: HostedSession, { kind }: Address): boolean {
  return asks === 'either' || asks === 'none' || asks === kind
}

/**
 * Sends the code of the session's verification again.
 * @param channel  `next`: another than that of the first message; undefined: the same.
 * @param network  The person's, here and below.
 */
export async function sendOnPage(
  services: Services,
  hosted: Hosted,
  channel: Channel | 'next' | undefined,
  network: string,
  once?: Once,
): Promise<SendAgainOutcome> {
  const { session, holder } = hosted
  if (session.verification === null) return { kind: 'not-found' }
  const caller = callerOf(holder)
  if (channel !== 'next') return sendAgain(services, caller, session.verification, channel, once, network)
  const read = await readVerification(services, caller, session.verification)
  const next = read?.view.next?.channels.find((one) => one !== read.view.channel)
  return sendAgain(
    services,
    caller,
    session.verification,
    channels.find((one) => one === next),
    once,
    network,
  )
}

/** Hands in the solution of a held verification's challenge. @param payload  See `isSolution`. */
export async function solveOnPage(
  services: Services,
  { session, holder }: Hosted,
  payload: string,
  once?: Once,
): Promise<SolveOutcome> {
  if (session.verification === null) return { kind: 'not-found' }
  return solveChallenge(services, callerOf(holder), session.verification, payload, once)
}

export type CheckedOnPage = (
  | {
      readonly kind: 'verified'
      /** To be handed to the maker of the session by the way back. */
      readonly result: string
    }
  | { readonly kind: 'refused' }
) &
  Replayed

/** @returns undefined if nothing was started yet, or it is past its retention. */
export async function checkOnPage(
  services: Services,
  { session, holder }: Hosted,
  entered: string,
  network: string,
  once?: Once,
): Promise<CheckedOnPage | Mismatch | undefined> {
  if (session.verification === null) return undefined
  const id = session.verification
  const outcome = await checkVerification(services, callerOf(holder), id, entered, once, network)
  if (outcome.kind === 'not-found') return undefined
  if (outcome.kind === 'mismatch') return outcome
  const again = 'replayed' in outcome && outcome.replayed && { replayed: outcome.replayed }
  if (outcome.kind !== 'verified') return { kind: 'refused', ...again }
  const result = {
    session: session.id,
    app: holder.app.id,
    verification: session.verification,
    channel: outcome.channel,
  }
  return { kind: 'verified', result: sealResult(services.ring, result, services.clock.now()), ...again }
}

/** The verification of a session as it is now; undefined if there is none. */
export async function readOnPage(
  services: Services,
  { session, holder }: Hosted,
): Promise<{ readonly view: VerificationView; readonly challenge?: PowChallenge } | undefined> {
  if (session.verification === null) return undefined
  return readVerification(services, callerOf(holder), session.verification)
}
