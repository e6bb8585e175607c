/** The limits an installation sets, their defaults, and which takings an act makes under them. */

import { createHash } from 'node:crypto'
import { partitionOfDigest } from '../address/partition.ts'
import type { Rule } from './ledger.ts'
import { type Take, tagOf } from './take.ts'

export type Window = { readonly max: number; readonly perMs: number }

/** Every limit an app may override. Sources of the defaults: security policy table in docs/limits.md. */
export type LimitPolicy = {
  readonly issues: {
    readonly address: { readonly gapsMs: readonly number[]; readonly windows: readonly Window[] }
    readonly memberAddress: readonly Window[]
    readonly member: readonly Window[]
    /** Different addresses a member may ask codes for. */
    readonly memberAddresses: readonly Window[]
    readonly network: readonly Window[]
    readonly app: { readonly perSecond: number; readonly burst: number; readonly perDay: number | null }
  }
  readonly submissions: {
    readonly address: readonly Window[]
    readonly memberAddress: readonly Window[]
  }
  /** Budgets of wrong codes; a right one gives its taking back. */
  readonly wrong: {
    readonly address: readonly Window[]
    readonly memberAddress: readonly Window[]
    readonly member: readonly Window[]
    readonly network: readonly Window[]
  }
}

const second = 1000
const minute = 60 * second
const hour = 60 * minute
const day = 24 * hour

export const defaultLimits: LimitPolicy = {
  issues: {
    address: {
      gapsMs: [60 * second, 60 * second, 120 * second, 300 * second, 900 * second],
      windows: [
        { max: 5, perMs: hour },
        { max: 10, perMs: day },
      ],
    },
    memberAddress: [{ max: 3, perMs: 10 * minute }],
    member: [
      { max: 10, perMs: hour },
      { max: 20, perMs: day },
    ],
    memberAddresses: [{ max: 5, perMs: day }],
    network: [{ max: 120, perMs: hour }],
    app: { perSecond: 50, burst: 500, perDay: null },
  },
  submissions: {
    address: [{ max: 5, perMs: minute }],
    memberAddress: [{ max: 5, perMs: minute }],
  },
  wrong: {
    address: [{ max: 30, perMs: day }],
    memberAddress: [
      { max: 15, perMs: day },
      { max: 50, perMs: 30 * day },
    ],
    member: [{ max: 20, perMs: day }],
    network: [{ max: 60, perMs: hour }],
  },
}

/** Who acts on which address, as the limits see it. */
export type ThrottleSubject = {
  readonly tenant: string
  readonly app: string
  readonly member: string
  /** See `limiterKey`: the address with what does not make it another one taken out. */
  readonly limiterKey: string
  /** The client's network, see `networkOfClient`; undefined: not known. */
  readonly network: string | undefined
}

/** What one more issue takes. */
export function issueTakes(subject: ThrottleSubject, policy: LimitPolicy): Take[] {
  const { issues } = policy
  const { tenant, app, member, network } = subject
  const digest = digestOf(subject.limiterKey)
  const address = digest.toString('base64url', 0, 15)
  const takes: Take[] = []
  const gaps: Rule = { kind: 'gaps', gapsMs: issues.address.gapsMs, perMs: day }
  takes.push({
    scope: 'address',
    key: `ia:${tenant}:${address}`,
    form: 'events',
    rules: [...(issues.address.gapsMs.length > 0 ? [gaps] : []), ...windows(issues.address.windows)],
  })
  add(takes, 'member-address', `im:${tenant}:${member}:${address}`, issues.memberAddress)
  add(takes, 'member', `iu:${tenant}:${member}`, issues.member)
  if (issues.memberAddresses.length > 0)
    takes.push({
      scope: 'member-addresses',
      key: `id:${tenant}:${member}`,
      form: 'tags',
      rules: issues.memberAddresses.map((window) => ({ kind: 'distinct', ...window })),
      tag: tagOf(digest),
    })
  if (network !== undefined) add(takes, 'network', `in:${network}`, issues.network)
  takes.push({
    scope: 'app',
    key: `ip:${app}`,
    form: 'bucket',
    rules: [{ kind: 'bucket', perSecond: issues.app.perSecond, burst: issues.app.burst }],
  })
  if (issues.app.perDay !== null)
    takes.push({
      scope: 'app-day',
      key: `iq:${app}`,
      form: 'tally',
      rules: [{ kind: 'tally', max: issues.app.perDay, perMs: day }],
    })
  return takes
}

/**
 * What one more submission takes. `wrong` is taken beforehand as if the code were wrong and given
 * back when it is right, so that a crash between the two never leaves a guess uncounted.
 */
export function submissionTakes(
  subject: ThrottleSubject,
  policy: LimitPolicy,
): { counted: Take[]; wrong: Take[] } {
  const { tenant, member, network } = subject
  const address = digestOf(subject.limiterKey).toString('base64url', 0, 15)
  const counted: Take[] = []
  add(counted, 'address', `sa:${tenant}:${address}`, policy.submissions.address)
  add(counted, 'member-address', `sm:${tenant}:${member}:${address}`, policy.submissions.memberAddress)
  const wrong: Take[] = []
  add(wrong, 'address', `wa:${tenant}:${address}`, policy.wrong.address)
  add(wrong, 'member-address', `wm:${tenant}:${member}:${address}`, policy.wrong.memberAddress)
  add(wrong, 'member', `wu:${tenant}:${member}`, policy.wrong.member)
  if (network !== undefined) add(wrong, 'network', `wn:${network}`, policy.wrong.network)
  return { counted, wrong }
}

/** A nonce that an app may use once. A second taking within the time is refused. */
export function nonceTake(app: string, nonce: string): Take {
  return {
    scope: 'app',
    key: `no:${app}:${digestOf(nonce).toString('base64url', 0, 15)}`,
    form: 'events',
    rules: [{ kind: 'window', max: 1, perMs: day }],
  }
}

/**
 * The partition that a ledger lies in: with its address if it counts one, else with the others of its
 * subject. So a store with shards decides most of what an act takes where the act's record lies.
 */
export function partitionOfLedger(key: string): number {
  const digest = /^[isw][am]:.*:([\w-]{20})(?::\d+)?$/.exec(key)?.[1]
  if (digest !== undefined) return partitionOfDigest(Buffer.from(digest, 'base64url'))
  return partitionOfSubject(key.slice(key.indexOf(':') + 1).replace(/:\d+$/, ''))
}

/** The partition of what belongs to a member, an app or a network. @param subject  For a member `tenant:member`. */
export function partitionOfSubject(subject: string): number {
  return partitionOfDigest(digestOf(subject))
}

/** Above this a limit is kept as a tally instead of remembering the time of each taking. */
const mostEvents = 300

function add(takes: Take[], scope: Take['scope'], key: string, limits: readonly Window[]): void {
  const small = limits.filter((limit) => limit.max <= mostEvents)
  if (small.length > 0) takes.push({ scope, key, form: 'events', rules: windows(small) })
  for (const limit of limits)
    if (limit.max > mostEvents)
      takes.push({ scope, key: `${key}:${limit.perMs}`, form: 'tally', rules: [{ kind: 'tally', ...limit }] })
}

function windows(limits: readonly Window[]): Rule[] {
  return limits.map((limit) => ({ kind: 'window', ...limit }))
}

function digestOf(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
