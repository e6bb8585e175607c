/** Starts a verification of anyone: sends a code to an address for a subject of the caller's. */

import type { Address } from '../address/address.ts'
import { secretOf } from '../code/secret.ts'
import type { Throttled } from '../throttle/acquire.ts'
import type { ClientFacts, VerificationDetails } from '../verification/details.ts'
import { maxLifetimeMs } from '../verification/verification.ts'
import type { ApiCaller } from './api-caller.ts'
import { issueCode } from './issue-code.ts'
import type { Services } from './services.ts'
import { type Act, subjectOf } from './subject.ts'
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
  readonly code?: {
    /** 6 to 10. Default: the app's policy, as of the others. */
    readonly length?: number
    /** 30 000 to 600 000. */
    readonly lifetimeMs?: number
  }
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
  | {
      readonly kind: 'started'
      readonly view: VerificationView
      /** For the holder of the page, see `secretOf`. Only this call returns it. */
      readonly secret: string
    }
  /** One was live for the same app, address, purpose and subject; its message is queued again. */
  | { readonly kind: 'live'; readonly view: VerificationView }
  /** The country is not allowed, or no carrier serves the channel. */
  | { readonly kind: 'unreachable' }
  /** A wish is beyond what is allowed. `pointer`: a JSON pointer into the body, such as `/code/length`. */
  | { readonly kind: 'invalid'; readonly pointer: string; readonly detail: string }
  | Throttled

export const codeLengths = { min: 6, max: 10 } as const
export const codeLives = { minMs: 30_000, maxMs: maxLifetimeMs } as const

/** @throws AppError `store.unavailable`; then nothing was started that the caller may count on. */
export async function startVerification(
  services: Services,
  caller: ApiCaller,
  request: StartRequest,
): Promise<StartOutcome> {
  const { app, tenant } = caller
  const { to, code = {}, metadata, client, audience, nonce, proof } = request
  const policy = services.policyOf(app)
  const fault = faultOf(code)
  if (fault) return fault
  const channel = to.kind === 'phone' ? 'sms' : 'email'
  const act: Act = {
    app,
    tenant,
    subject: subjectOf(request.subject, to),
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
  }
  const outcome = await issueCode(services, act, {
    channel,
    locale: details.locale,
    digits: code.length ?? policy.digits,
    lifetimeMs: code.lifetimeMs ?? policy.lifetimeMs[channel],
    details,
  })
  if (outcome.kind === 'throttled' || outcome.kind === 'unreachable') return outcome
  const { record } = outcome
  const view = viewOf(record, record.issuedAt, policy.maxSubmissions)
  if (outcome.kind === 'live') return { kind: 'live', view }
  return { kind: 'started', view, secret: secretOf(services.ring.newest, record.id) }
}

function faultOf({ length, lifetimeMs }: NonNullable<StartRequest['code']>) {
  const invalid = (pointer: string, detail: string) => ({ kind: 'invalid', pointer, detail }) as const
  if (length !== undefined && (length < codeLengths.min || length > codeLengths.max))
    return invalid('/code/length', `a code has ${codeLengths.min} to ${codeLengths.max} characters`)
  if (lifetimeMs !== undefined && (lifetimeMs < codeLives.minMs || lifetimeMs > codeLives.maxMs))
    return invalid('/code/life_s', `a code lives ${codeLives.minMs / 1000} to ${codeLives.maxMs / 1000} s`)
  return undefined
}
