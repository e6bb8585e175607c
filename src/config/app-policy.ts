/** The policy an app gets: a base with checked overrides laid over it. */

import { isSupportedRegion } from '../address/phone-library.ts'
import { AppError } from '../errors.ts'
import type { AppPolicy, NumberStep } from '../flows/policy.ts'
import { apiCalls, maxProofTokenLifetimeMs } from '../flows/policy.ts'
import { isReturnUrl } from '../flows/return-url.ts'
import { loopbackNetworks } from '../network/loopback.ts'
import { isNetwork } from '../network/networks.ts'
import { defaultLimits, type Window } from '../throttle/policy.ts'
import { timesFault } from '../verification/plan.ts'
import { maxLifetimeMs } from '../verification/verification.ts'
import { formatDuration, parseDuration, parseWindow } from './duration.ts'
import { type PolicyOverrides, policySchema } from './policy-schema.ts'
import { problemsOf } from './problems.ts'

export const defaultPolicy: AppPolicy = {
  digits: 6,
  lifetimeMs: { sms: 60_000, email: 60_000, reset: 180_000 },
  maxSubmissions: 5,
  limits: defaultLimits,
  needsProof: true,
  refusesRepeatedNonce: false,
  keyOverlapMs: 0,
  allowsLongSignatures: false,
  tellsClientIp: [],
  regions: null,
  calls: apiCalls,
  proofToken: { form: 'plain', lifetimeMs: 600_000 },
  plan: [],
  locale: null,
  origins: [],
  appHashes: [],
  pages: { returnUrls: [], frameAncestors: [] },
}

/** A developer's programs come back to this machine, at whatever port they got. */
export const developmentPolicy: AppPolicy = {
  ...defaultPolicy,
  pages: { returnUrls: ['http://localhost/', 'http://127.0.0.1/'], frameAncestors: [] },
}

const digitsOf = { default: 6, strict: 8 } as const

/** Long enough for any program to be given the new key; the old one was reset for a reason. */
const maxKeyOverlapMs = 30 * 86_400_000

/** The most failed attempts that SP 800-63B-4 3.2.2 allows. */
const maxWrong = 100

/**
 * Lays overrides over a policy.
 * @param where  The name of the overrides in a problem, e.g. `policy` or `apps.ID`.
 * @throws AppError `config.invalid` listing every problem.
 */
export function policyWith(
  base: AppPolicy,
  overrides: Readonly<Record<string, unknown>>,
  where = 'policy',
): AppPolicy {
  if (Object.keys(overrides).length === 0) return base
  const problems = policyProblems(overrides, where, base.lifetimeMs.sms)
  if (problems.length > 0) throw new AppError('config.invalid', problems.join('\n'))
  const set = overrides as PolicyOverrides
  const { issues, submissions, wrong } = base.limits
  return {
    digits: set.digits ?? (set.profile ? digitsOf[set.profile] : base.digits),
    lifetimeMs: {
      sms: ms(set.lifetime?.sms) ?? base.lifetimeMs.sms,
      email: ms(set.lifetime?.email) ?? base.lifetimeMs.email,
      reset: ms(set.lifetime?.reset) ?? base.lifetimeMs.reset,
    },
    maxSubmissions: set.maxSubmissions ?? base.maxSubmissions,
    limits: {
      issues: {
        address: {
          gapsMs: set.limits?.issues?.address?.gaps?.map((gap) => ms(gap)!) ?? issues.address.gapsMs,
          windows: windows(set.limits?.issues?.address?.windows) ?? issues.address.windows,
        },
        holder: windows(set.limits?.issues?.holder) ?? issues.holder,
        memberAddress: windows(set.limits?.issues?.memberAddress) ?? issues.memberAddress,
        member: windows(set.limits?.issues?.member) ?? issues.member,
        memberAddresses: windows(set.limits?.issues?.memberAddresses) ?? issues.memberAddresses,
        network: windows(set.limits?.issues?.network) ?? issues.network,
        app: { ...issues.app, ...set.limits?.issues?.app },
      },
      submissions: {
        memberAddress: windows(set.limits?.submissions?.memberAddress) ?? submissions.memberAddress,
      },
      wrong: {
        address: windows(set.limits?.wrong?.address) ?? wrong.address,
        memberAddress: windows(set.limits?.wrong?.memberAddress) ?? wrong.memberAddress,
        member: windows(set.limits?.wrong?.member) ?? wrong.member,
        network: windows(set.limits?.wrong?.network) ?? wrong.network,
      },
    },
    needsProof: set.needsProof ?? base.needsProof,
    refusesRepeatedNonce: set.refusesRepeatedNonce ?? base.refusesRepeatedNonce,
    keyOverlapMs: ms(set.keyOverlap) ?? base.keyOverlapMs,
    allowsLongSignatures: set.allowsLongSignatures ?? base.allowsLongSignatures,
    tellsClientIp: toldFrom(set.tellsClientIp) ?? base.tellsClientIp,
    regions: set.countries === undefined ? base.regions : set.countries === 'all' ? null : set.countries,
    calls: set.calls ?? base.calls,
    plan: set.plan?.map(stepIn) ?? base.plan,
    locale: set.locale === undefined ? base.locale : set.locale === 'region' ? null : set.locale,
    origins: set.origins ?? base.origins,
    appHashes: set.appHashes ?? base.appHashes,
    proofToken: {
      form: (set.proofToken?.form ?? base.proofToken.form) as AppPolicy['proofToken']['form'],
      lifetimeMs: ms(set.proofToken?.lifetime) ?? base.proofToken.lifetimeMs,
    },
    pages: { ...base.pages, ...set.pages },
  }
}

/** The policy of an app: that of the settings, under their section for the app, under the app's record. */
export function policyOfApp(
  settings: {
    readonly policy: AppPolicy
    readonly apps: Readonly<Record<string, Readonly<Record<string, unknown>>>>
  },
  app: { readonly id: string; readonly policy: Readonly<Record<string, unknown>> },
): AppPolicy {
  return policyWith(policyWith(settings.policy, settings.apps[app.id] ?? {}), app.policy)
}

/**
 * The problems of overrides: a wrong shape, and values beyond those that NIST allows.
 * @param smsLifeMs  Of a code by SMS, if the overrides do not state it.
 */
export function policyProblems(overrides: unknown, where: string, smsLifeMs: number): string[] {
  const problems = problemsOf(policySchema, overrides, where)
  if (problems.length > 0) return problems
  const set = overrides as PolicyOverrides
  for (const [channel, text] of Object.entries(set.lifetime ?? {})) {
    const lifeMs = ms(text) ?? 0
    if (lifeMs > maxLifetimeMs || lifeMs < 10_000)
      problems.push(
        `${where}.lifetime.${channel}: is ${text}; a code lives at least 10s and at most ${formatDuration(maxLifetimeMs)} (SP 800-63B)`,
      )
  }
  if ((ms(set.keyOverlap) ?? 0) > maxKeyOverlapMs)
    problems.push(
      `${where}.keyOverlap: is ${set.keyOverlap}; a key that was reset serves at most ${formatDuration(maxKeyOverlapMs)} more`,
    )
  const late = timesFault(set.plan?.map(stepIn) ?? [], ms(set.lifetime?.sms) ?? smsLifeMs)
  if (late) problems.push(`${where}.plan.${late.at}: is ${set.plan![late.at]}; ${late.detail}`)
  const tokenMs = ms(set.proofToken?.lifetime)
  if (tokenMs !== undefined && (tokenMs > maxProofTokenLifetimeMs || tokenMs < 1000))
    problems.push(
      `${where}.proofToken.lifetime: is ${set.proofToken?.lifetime}; a proof token lives at least 1s and at most ${formatDuration(maxProofTokenLifetimeMs)}`,
    )
  for (const network of toldFrom(set.tellsClientIp) ?? [])
    if (!isNetwork(network))
      problems.push(
        `${where}.tellsClientIp: ${network} is no IP address or CIDR block, such as 10.0.0.0/8; list those of the app’s servers`,
      )
  for (const url of set.pages?.returnUrls ?? []) {
    const parsed = URL.parse(url)
    if (parsed === null || !isReturnUrl(parsed) || parsed.search !== '')
      problems.push(
        `${where}.pages.returnUrls: ${url} is no https URL without query and fragment, such as https://shop.example/verified`,
      )
  }
  for (const origin of set.pages?.frameAncestors ?? [])
    if (URL.parse(origin)?.origin !== origin || !/^https?:/.test(origin))
      problems.push(`${where}.pages.frameAncestors: ${origin} is no origin, such as https://shop.example`)
  const { wrong, submissions } = set.limits ?? {}
  for (const [name, limits] of Object.entries({
    'wrong.address': wrong?.address,
    'wrong.memberAddress': wrong?.memberAddress,
    'wrong.member': wrong?.member,
    'submissions.memberAddress': submissions?.memberAddress,
  }))
    if (limits && (limits.length === 0 || limits.some((one) => parseWindow(one)!.max > maxWrong)))
      problems.push(
        `${where}.limits.${name}: needs at least one limit, each of at most ${maxWrong} (SP 800-63B 3.2.2)`,
      )
  for (const [i, region] of (Array.isArray(set.countries) ? set.countries : []).entries())
    if (!isSupportedRegion(region))
      problems.push(
        `${where}.countries.${i}: ${region} is no region${region === 'UK' ? '; did you mean GB?' : ''}`,
      )
  return problems
}

/** `true` names no server, so the app is then believed only in calls from this machine. */
function toldFrom(set: PolicyOverrides['tellsClientIp']): readonly string[] | undefined {
  if (set === true) return loopbackNetworks
  return set === false ? [] : set
}

/** @param text  Of `stepPattern`. */
function stepIn(text: string): NumberStep {
  const [channel, after, unless] = text.split('/')
  return {
    channel: channel as NumberStep['channel'],
    afterMs: parseDuration(after!)!,
    unless: unless === 'delivered' ? 'delivered' : 'used',
  }
}

function ms(text: string | undefined): number | undefined {
  return text === undefined ? undefined : parseDuration(text)
}

function windows(texts: readonly string[] | undefined): Window[] | undefined {
  return texts?.map((text) => parseWindow(text)!)
}
