/** Starts a verification of anyone: sends a code to an address for a subject of the caller's. */

import { isDeepStrictEqual } from 'node:util'
import type { RingKey } from '../code/key-ring.ts'
import { secretOf } from '../code/secret.ts'
import { findLocale } from '../delivery/locales.ts'
import { type CodeTemplates, usualTemplate } from '../delivery/own-templates.ts'
import type { CodeChoice } from '../delivery/rendered-message.ts'
import type { Channel } from '../message/channel.ts'
import { regionOf } from '../message/destination.ts'
import { randomHex } from '../random.ts'
import type { Mismatch, Once, Replayed } from '../store/once.ts'
import type { Throttled } from '../throttle/acquire.ts'
import type { VerificationDetails } from '../verification/details.ts'
import { isInLife } from '../verification/plan.ts'
import { subjectOf } from '../verification/subject.ts'
import type { Verification } from '../verification/verification.ts'
import type { ApiCaller } from './api-caller.ts'
import { audienceFault } from './audience.ts'
import { challengeMs, challengeOf, type PowChallenge } from './challenge.ts'
import { servedChannels } from './channels.ts'
import { issueCode } from './issue-code.ts'
import { recentStarts } from './recent-starts.ts'
import type { Services } from './services.ts'
import { faultOf, invalid, pageHost, type StartFault, type StartRequest } from './start-request.ts'
import type { Act } from './subject.ts'
import { type VerificationView, viewOf } from './verification-view.ts'

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
   * an idempotency key and with the same wishes, and this is taken for the same call. Then it has the secret again.
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
  | StartFault
  | Throttled
  | Mismatch

const usualPurpose = 'verify'
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
  const { code = {}, testRisk = 'allow' } = request
  const policy = services.policyOf(caller.app)
  const { act, details, lifetimeMs } = wishOf(services, caller, request)
  const ownHost = request.origin === undefined ? undefined : pageHost(services)
  const fault =
    faultOf(caller, request, lifetimeMs, policy, ownHost) ??
    unservedStep(services, act, details) ??
    templateFault(services, request, details.locale) ??
    (await audienceFault(services, caller, request.audience))
  if (fault) return fault
  if (testRisk === 'refuse' || (testRisk === 'challenge' && request.challenge === 'none'))
    return { kind: 'refused-by-guard', explanation: randomHex(16) }
  const isHeld = testRisk === 'challenge'
  const wish = {
    digits: code.value?.length ?? code.length ?? policy.digits,
    details: isHeld ? ({ ...details, risk: 'challenge', lifetimeMs } as const) : details,
  }
  const outcome = await issueCode(services, act, {
    channel: details.channel as Channel,
    locale: details.locale,
    lifetimeMs: isHeld ? challengeMs : lifetimeMs,
    isHeld,
    ...wish,
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
      if (retryAfterMs !== null) return { kind, view, retryAfterMs, ...again }
      // The secret is for who made the verification, and who wishes anything else is another caller.
      const { digits } = record
      const isSameCall = isDeepStrictEqual({ digits, details: record.details }, wish)
      if (!isSameCall) return { kind, view, retryAfterMs: record.issuedAt + quietMs - now, ...again }
      return { kind, view, retryAfterMs, secret: secretIn(services, record), ...again }
    }
  }
}

/** The act, the details and the life of the code that a start asks for. */
export function wishOf(
  services: Pick<Services, 'policyOf' | 'codeTemplates' | 'serves'>,
  { app, tenant, isTest }: ApiCaller,
  request: StartRequest,
): { readonly act: Act; readonly details: VerificationDetails; readonly lifetimeMs: number } {
  const policy = services.policyOf(app)
  const { to, code = {}, origin, appHash, metadata, client, audience, nonce, proof } = request
  const usual = to.kind === 'phone' ? 'sms' : 'email'
  const { channel = 'auto' } = request
  const { locale, tried } = findLocale(request.locale, policy.locale, regionOf(to))
  const act: Act = {
    app,
    tenant,
    subject: subjectOf(request.subject, to, isTest),
    address: to,
    purpose: request.purpose ?? usualPurpose,
    network: request.network,
    isHolder: request.isHolder ?? false,
  }
  const lifetimeMs = code.lifetimeMs ?? policy.lifetimeMs[usual]
  const plan = request.plan ?? (channel === 'auto' ? usualPlan(services, act, isTest, lifetimeMs) : undefined)
  const details: VerificationDetails = {
    channel: plan?.[0]?.channel ?? (channel === 'auto' ? usual : channel),
    locale,
    localesTried: tried,
    ...ownChoice(services, request),
    ...(plan && { plan }),
    ...(code.alphabet === 'crockford' && { alphabet: code.alphabet }),
    ...(origin !== undefined && { origin }),
    ...(appHash !== undefined && { appHash }),
    ...(metadata && { metadata }),
    ...(client && { client }),
    ...(audience !== undefined && { audience }),
    ...(nonce !== undefined && { nonce }),
    ...(proof !== undefined && { proof }),
    ...(act.isHolder && { holder: true }),
    ...(isTest && { byTestKey: true }),
    ...(code.value !== undefined && { testCode: code.value }),
  }
  return { act, details, lifetimeMs }
}

/**
 * The app's own plan for a number, as far as it goes: unlike a plan of the caller's it asks nothing of one start, so that a
 * step which no carrier serves, or for which the code's life is too short, is left out.
 */
function usualPlan(
  services: Pick<Services, 'policyOf' | 'serves'>,
  act: Act,
  isTest: boolean,
  lifetimeMs: number,
): VerificationDetails['plan'] {
  const { plan } = services.policyOf(act.app)
  if (plan.length === 0 || act.address.kind !== 'phone') return undefined
  const served = servedChannels(services, act, isTest)
  const steps = plan.filter((step) => served.includes(step.channel) && isInLife(step, lifetimeMs))
  // Without its first step there is no plan, but one message at once.
  return steps[0]?.afterMs === 0 ? steps : undefined
}

/** A plan is refused as a whole if one of its steps has no route. */
export function unservedStep(
  services: Services,
  act: Act,
  { plan = [], byTestKey }: VerificationDetails,
): StartFault | undefined {
  const served: readonly string[] = plan.length > 0 ? servedChannels(services, act, byTestKey ?? false) : []
  const at = plan.findIndex(({ channel }) => !served.includes(channel))
  return at < 0 ? undefined : invalid(`/plan/${at}/channel`, `no route serves ${plan[at]!.channel}`)
}

/** What is wrong with the template and its values. @param locale  See `CodeTemplates`. */
export function templateFault(
  { codeTemplates }: Pick<Services, 'codeTemplates'>,
  request: Pick<StartRequest, 'template' | 'purpose' | 'values'>,
  locale?: string,
): StartFault | undefined {
  const fault = codeTemplates.faultOf(choiceOf(codeTemplates, request), locale)
  return fault && invalid(fault.pointer, fault.detail)
}

/** The template and its values, unless it is the usual one. */
export function ownChoice(
  { codeTemplates }: Pick<Services, 'codeTemplates'>,
  request: Pick<StartRequest, 'template' | 'purpose' | 'values'>,
): CodeChoice | undefined {
  const choice = choiceOf(codeTemplates, request)
  return choice.template === usualTemplate ? undefined : choice
}

function choiceOf(
  { names }: CodeTemplates,
  { template, purpose = usualPurpose, values = {} }: Pick<StartRequest, 'template' | 'purpose' | 'values'>,
): CodeChoice {
  return { template: template ?? (names.includes(purpose) ? purpose : usualTemplate), values }
}

/** By the key of the record, which may have been the newest only then. */
function keyOf({ ring }: Services, { keyId }: Verification): RingKey {
  return ring.keys.get(keyId) ?? ring.newest
}

function secretIn(services: Services, record: Verification): string {
  return secretOf(keyOf(services, record), record.id)
}
