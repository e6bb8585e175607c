/** Starts a verification of anyone: sends a code to an address for a subject of the caller's. */

import type { Address } from '../address/address.ts'
import type { RingKey } from '../code/key-ring.ts'
import { secretOf } from '../code/secret.ts'
import type { Channel } from '../message/channel.ts'
import { randomHex } from '../random.ts'
import type { Mismatch, Once, Replayed } from '../store/once.ts'
import type { Throttled } from '../throttle/acquire.ts'
import type { ClientFacts, VerificationDetails } from '../verification/details.ts'
import { subjectOf } from '../verification/subject.ts'
import { maxLifetimeMs, type Verification } from '../verification/verification.ts'
import type { ApiCaller } from './api-caller.ts'
import { challengeMs, challengeOf, type PowChallenge } from './challenge.ts'
import { channelsFor, servedChannels } from './channels.ts'
import { issueCode } from './issue-code.ts'
import { recentStarts } from './recent-starts.ts'
import type { Services } from './services.ts'
import type { Act } from './subject.ts'
import { type VerificationView, viewOf } from './verification-view.ts'

/** The wishes of a start. Only `to` is needed. */
export type StartRequest = {
  /** Parsed, see `parseAddress`. */
  readonly to: Address
  /** Default `verify`. See `purposePattern`. */
  readonly purpose?: string
  /** The caller's own word for the person, at most 128 characters. Without one the address is the subject. */
  readonly subject?: string
  /** BCP 47. */
  readonly locale?: string
  /** Default `auto`: SMS for a number, mail for a mailbox. */
  readonly channel?: 'auto' | Channel
  readonly code?: {
    /** 6 to 10. Default: the app's policy, as of the others. */
    readonly length?: number
    /** 30 000 to 600 000. */
    readonly lifetimeMs?: number
    /** The code itself. Only a test key may choose one. */
    readonly value?: string
  }
  /** `none`: a challenge turns into a refusal. */
  readonly challenge?: 'any' | 'none'
  /** What the guard is to decide. Only a test key may choose it. */
  readonly testRisk?: 'allow' | 'challenge' | 'refuse'
  readonly client?: ClientFacts
  /** The client's network, see `networkOf`; undefined if the caller did not name the client. */
  readonly network?: string
  readonly metadata?: Readonly<Record<string, string>>
  /** What a proof of this verification is for, see `VerificationDetails`. */
  readonly audience?: string
  readonly nonce?: string
  readonly proof?: 'plain' | 'hashed'
}

export type StartOutcome =
  /** A new verification; its message is queued. */
  | ({
      readonly kind: 'started'
      readonly view: VerificationView
      /** For the holder of the page, see `secretOf`. Only this call returns it. */
      readonly secret: string
    } & Replayed)
  /** One was live for the same app, address, purpose and subject; its message is queued again. */
  | ({ readonly kind: 'live'; readonly view: VerificationView } & Replayed)
  /**
   * One was live, and nothing is sent. `retryAfterMs`: until a message may follow; null: it was started within 10 s without
   * an idempotency key, and this is taken for the same call. Then it has the secret again.
   */
  | ({
      readonly kind: 'kept'
      readonly view: VerificationView
      readonly retryAfterMs: number | null
      readonly secret?: string
    } & Replayed)
  /** It waits for the solution of its challenge; nothing was sent. */
  | ({
      readonly kind: 'held'
      readonly view: VerificationView
      readonly secret: string
      readonly challenge: PowChallenge
    } & Replayed)
  /** `explanation`: the name of this refusal, for the operator. */
  | { readonly kind: 'refused-by-guard'; readonly explanation: string }
  /** The country is not allowed, or no carrier serves the channel. */
  | { readonly kind: 'unreachable' }
  /** A wish is beyond what is allowed. `pointer`: a JSON pointer into the body, such as `/code/length`. */
  | { readonly kind: 'invalid'; readonly pointer: string; readonly detail: string }
  | Throttled
  | Mismatch

export const codeLengths = { min: 6, max: 10 } as const
export const codeLives = { minMs: 30_000, maxMs: maxLifetimeMs } as const

/** Without a key of its own, a start within this time of the last one for the same verification is that one made again. */
const quietMs = 10_000

/**
 * @param once  By it the same call, made again, gets the same answer and sends nothing.
 * @throws AppError `store.unavailable`; then nothing was started that the caller may count on.
 */
export async function startVerification(
  services: Services,
  caller: ApiCaller,
  request: StartRequest,
  once?: Once,
): Promise<StartOutcome> {
  const { app, tenant } = caller
  const { to, code = {}, metadata, client, audience, nonce, proof, testRisk = 'allow' } = request
  const policy = services.policyOf(app)
  const fault = faultOf(caller, request)
  if (fault) return fault
  if (testRisk === 'refuse' || (testRisk === 'challenge' && request.challenge === 'none'))
    return { kind: 'refused-by-guard', explanation: randomHex(16) }
  const isHeld = testRisk === 'challenge'
  const usual = to.kind === 'phone' ? 'sms' : 'email'
  const channel = request.channel === undefined || request.channel === 'auto' ? usual : request.channel
  const lifetimeMs = code.lifetimeMs ?? policy.lifetimeMs[usual]
  const act: Act = {
    app,
    tenant,
    subject: subjectOf(request.subject, to, caller.isTest),
    address: to,
    purpose: request.purpose ?? 'verify',
    network: request.network,
    isHolder: false,
  }
  const details: VerificationDetails = {
    channel,
    locale: request.locale ?? 'en-US',
    ...(metadata && { metadata }),
    ...(client && { client }),
    ...(audience !== undefined && { audience }),
    ...(nonce !== undefined && { nonce }),
    ...(proof !== undefined && { proof }),
    ...(caller.isTest && { byTestKey: true }),
    ...(code.value !== undefined && { testCode: code.value }),
    ...(isHeld && { risk: testRisk, lifetimeMs }),
  }
  const outcome = await issueCode(services, act, {
    channel,
    locale: details.locale,
    digits: code.value?.length ?? code.length ?? policy.digits,
    lifetimeMs: isHeld ? challengeMs : lifetimeMs,
    isHeld,
    details,
    once,
    keepsLive: { quietMs: once ? 0 : quietMs },
  })
  if (!('record' in outcome)) return outcome
  const { kind, record, now, replayed } = outcome
  const again = replayed && { replayed }
  const sendAfterMs = kind === 'kept' ? (outcome.retryAfterMs ?? undefined) : outcome.sendAfterMs
  const view = viewOf(record, now, policy.maxSubmissions, {
    channels: servedChannels(services, act, caller.isTest),
    ...(sendAfterMs !== undefined && { sendAfterMs }),
  })
  switch (kind) {
    case 'issued':
      recentStarts(services.store).keep(record)
      if (record.state === 'held') {
        const challenge = await challengeOf(keyOf(services, record), record)
        return { kind: 'held', view, secret: secretIn(services, record), challenge, ...again }
      }
      return { kind: 'started', view, secret: secretIn(services, record), ...again }
    case 'live':
      return { kind, view, ...again }
    case 'kept': {
      const { retryAfterMs } = outcome
      const secret = retryAfterMs === null && { secret: secretIn(services, record) }
      return { kind, view, retryAfterMs, ...secret, ...again }
    }
  }
}

/** By the key of the record, which may have been the newest only then. */
function keyOf({ ring }: Services, { keyId }: Verification): RingKey {
  return ring.keys.get(keyId) ?? ring.newest
}

function secretIn(services: Services, record: Verification): string {
  return secretOf(keyOf(services, record), record.id)
}

function faultOf(caller: ApiCaller, { to, channel = 'auto', code = {}, testRisk }: StartRequest) {
  const { length, lifetimeMs, value } = code
  const invalid = (pointer: string, detail: string) => ({ kind: 'invalid', pointer, detail }) as const
  if (length !== undefined && (length < codeLengths.min || length > codeLengths.max))
    return invalid('/code/length', `a code has ${codeLengths.min} to ${codeLengths.max} characters`)
  if (lifetimeMs !== undefined && (lifetimeMs < codeLives.minMs || lifetimeMs > codeLives.maxMs))
    return invalid('/code/life_s', `a code lives ${codeLives.minMs / 1000} to ${codeLives.maxMs / 1000} s`)
  if (channel !== 'auto' && !channelsFor(to).includes(channel))
    return invalid('/channel', `a ${to.kind === 'phone' ? 'number' : 'mailbox'} is not reached by ${channel}`)
  if (value !== undefined && !caller.isTest)
    return invalid('/code/value', 'only a test key may choose a code')
  if (value !== undefined && !/^[0-9]{6,10}$/.test(value))
    return invalid('/code/value', 'takes 6 to 10 digits')
  if (testRisk !== undefined && !caller.isTest)
    return invalid('/test', 'only a test key may choose a decision')
  return undefined
}
