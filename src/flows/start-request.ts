/** The wishes of a start, and their bounds. */

import type { Address } from '../address/address.ts'
import { alphabets } from '../code/derive-code.ts'
import type { Channel } from '../message/channel.ts'
import type { ClientFacts } from '../verification/details.ts'
import { maxSteps, timesFault } from '../verification/plan.ts'
import { maxLifetimeMs, ownPurposes } from '../verification/verification.ts'
import type { ApiCaller } from './api-caller.ts'
import { channelsFor } from './channels.ts'
import type { AppPolicy } from './policy.ts'
import type { Services } from './services.ts'

/** The wishes of a start. Only `to` is needed. */
export type StartRequest = {
  /** Parsed, see `parseAddress`. */
  readonly to: Address
  /** Default `verify`. See `purposePattern`. */
  readonly purpose?: string
  /** The caller's own word for the person, at most 128 characters. Without one the address is the subject. */
  readonly subject?: string
  /** Whether the caller knows that its subject holds the address already. */
  readonly isHolder?: boolean
  /** BCP 47. */
  readonly locale?: string
  /** Default `auto`: SMS for a number, mail for a mailbox. */
  readonly channel?: 'auto' | Channel
  /** The first step is the first message, at 0. Further ones come at their times, see `PlanStep`. Then `channel` is `auto`. */
  readonly plan?: readonly {
    readonly channel: Channel
    readonly afterMs: number
    readonly unless: 'delivered' | 'used'
  }[]
  /** One of the operator's templates. Default: the one that is named as the purpose, if there is one, or the usual one. */
  readonly template?: string
  /** Values that the template uses, by name. */
  readonly values?: Readonly<Record<string, string>>
  /** The host of the page that the code is entered on, for the last line of an SMS. One that the app has listed. */
  readonly origin?: string
  /** 11 characters that an Android app is known by, likewise. */
  readonly appHash?: string
  readonly code?: {
    /** 6 to 10. Default: the app's policy, as of the others. */
    readonly length?: number
    /** 30 000 to 600 000. */
    readonly lifetimeMs?: number
    /** Default digits. */
    readonly alphabet?: 'digits' | 'crockford'
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

/** A wish beyond what is allowed. `pointer`: a JSON pointer into the body, such as `/code/length`. */
export type StartFault = { readonly kind: 'invalid'; readonly pointer: string; readonly detail: string }

export const codeLengths = { min: 6, max: 10 } as const
export const codeLives = { minMs: 30_000, maxMs: maxLifetimeMs } as const

/** @param lifetimeMs  Of the code. */
export function faultOf(
  { isTest }: Pick<ApiCaller, 'isTest'>,
  request: StartRequest,
  lifetimeMs: number,
  { origins, appHashes }: Pick<AppPolicy, 'origins' | 'appHashes'>,
  ownHost?: string,
): StartFault | undefined {
  const { to, subject, isHolder, channel = 'auto', code = {}, testRisk, origin, appHash } = request
  const { length, value, alphabet = 'digits' } = code
  if (request.purpose !== undefined && ownPurposes.includes(request.purpose))
    return invalid('/purpose', `${ownPurposes.join(' and ')} are for the server itself; choose another word`)
  if (length !== undefined && (length < codeLengths.min || length > codeLengths.max))
    return invalid('/code/length', `a code has ${codeLengths.min} to ${codeLengths.max} characters`)
  if (code.lifetimeMs !== undefined && (lifetimeMs < codeLives.minMs || lifetimeMs > codeLives.maxMs))
    return invalid('/code/life_s', `a code lives ${codeLives.minMs / 1000} to ${codeLives.maxMs / 1000} s`)
  if (value !== undefined && !isTest) return invalid('/code/value', 'only a test key may choose a code')
  if (value !== undefined && (value.length < 6 || value.length > 10 || !isOf(value, alphabet)))
    return invalid('/code/value', `takes 6 to 10 characters of ${alphabets[alphabet]}`)
  // Without a subject the address stands for whoever asks, strangers too.
  if (isHolder && subject === undefined)
    return invalid('/holder', 'takes a `subject`: the person who holds `to`')
  if (testRisk !== undefined && !isTest) return invalid('/test', 'only a test key may choose a decision')
  const unreached = channelFault(to, channel)
  if (unreached) return unreached
  if (origin !== undefined && origin !== ownHost && !origins.includes(origin))
    return invalid('/origin', 'the app has not listed it, see policy.origins')
  if (appHash !== undefined && !appHashes.includes(appHash))
    return invalid('/app_hash', 'the app has not listed it, see policy.appHashes')
  return planFault(request, lifetimeMs)
}

function channelFault(to: Reached, channel: NonNullable<StartRequest['channel']>): StartFault | undefined {
  if (channel === 'auto' || channelsFor(to).includes(channel)) return undefined
  return invalid('/channel', `${nameOf(to)} is not reached by ${channel}`)
}

type Reached = Pick<Address, 'kind'>

/**
 * What is wrong with the channel and the plan of starts that are still to come.
 * @param kinds  The kinds of address that they may be to: the wishes must do for one of them.
 * @param lifeOf  Of the codes to an address of a kind, ms.
 */
export function waysFault(
  kinds: readonly Address['kind'][],
  { channel = 'auto', plan }: Pick<StartRequest, 'channel' | 'plan'>,
  lifeOf: (kind: Address['kind']) => number,
): StartFault | undefined {
  const faults = kinds.map((kind) => {
    const ways = { to: { kind }, channel, ...(plan && { plan }) }
    return channelFault({ kind }, channel) ?? planFault(ways, lifeOf(kind))
  })
  return faults.every(Boolean) ? faults[0] : undefined
}

/** The channel and the plan as far as they reach an address: a person may enter one that they do not. */
export function waysTo(
  to: Reached,
  { channel = 'auto', plan }: Pick<StartRequest, 'channel' | 'plan'>,
): Pick<StartRequest, 'channel' | 'plan'> {
  const reaching = channelsFor(to)
  return {
    channel: channel === 'auto' || reaching.includes(channel) ? channel : 'auto',
    ...(plan?.every((step) => reaching.includes(step.channel)) && { plan }),
  }
}

function planFault(
  { to, channel = 'auto', plan }: Pick<StartRequest, 'channel' | 'plan'> & { readonly to: Reached },
  lifetimeMs: number,
): StartFault | undefined {
  if (plan === undefined) return undefined
  if (channel !== 'auto') return invalid('/channel', 'a plan begins by its first step')
  if (plan.length < 1 || plan.length > maxSteps) return invalid('/plan', `has 1 to ${maxSteps} steps`)
  const unreached = plan.findIndex((step) => !channelsFor(to).includes(step.channel))
  if (unreached >= 0)
    return invalid(
      `/plan/${unreached}/channel`,
      `${nameOf(to)} is not reached by ${plan[unreached]!.channel}`,
    )
  const fault = timesFault(plan, lifetimeMs)
  return fault && invalid(`/plan/${fault.at}/after_s`, fault.detail)
}

/** The host that the hosted page is on, which codes may always be bound to; undefined: no browser would bind them to it. */
export function pageHost({ publicUrl }: Pick<Services, 'publicUrl'>): string | undefined {
  const url = URL.parse(publicUrl() ?? '')
  return url?.protocol === 'https:' ? url.hostname : undefined
}

export function invalid(pointer: string, detail: string): StartFault {
  return { kind: 'invalid', pointer, detail }
}

function isOf(value: string, alphabet: keyof typeof alphabets): boolean {
  return [...value].every((character) => alphabets[alphabet].includes(character))
}

function nameOf({ kind }: Reached): string {
  return kind === 'phone' ? 'a number' : 'a mailbox'
}
