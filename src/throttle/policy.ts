/** The limits an installation sets, their defaults, and which hits an act makes under them. */

import { hash } from 'node:crypto'
import { partitionOfDigest } from '../address/partition.ts'
import { onceForEach } from '../once-for-each.ts'
import { type Limit, type Scope, tagOf } from './acquire.ts'
import type { Rule } from './limiter-state.ts'

export type Window = { readonly max: number; readonly perMs: number }

/** Every limit an app may override. Sources of the defaults: security policy table in docs/limits.md. */
export type LimitPolicy = {
  readonly issues: {
    readonly address: {
      /** Between two codes that one member asks for one address. */
      readonly gapsMs: readonly number[]
      /** Over the tenant, asked for by members who do not hold the address. */
      readonly windows: readonly Window[]
    }
    /** What the member who holds an address asks for it. */
    readonly holder: readonly Window[]
    /** What a member asks for an address that is not his. */
    readonly memberAddress: readonly Window[]
    readonly member: readonly Window[]
    /** Different addresses a member may ask codes for. */
    readonly memberAddresses: readonly Window[]
    readonly network: readonly Window[]
    readonly app: { readonly perSecond: number; readonly burst: number; readonly perDay: number | null }
  }
  readonly submissions: {
    readonly memberAddress: readonly Window[]
  }
  /**
   * Budgets of wrong codes; a right one refunds its hit. Those of the member refuse his submissions. Those of
   * an address and of a network, which others use too, refuse no code that was sent: they refuse new ones.
   */
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
        { max: 6, perMs: day },
      ],
    },
    holder: [
      { max: 3, perMs: 10 * minute },
      { max: 4, perMs: day },
    ],
    memberAddress: [
      { max: 3, perMs: 10 * minute },
      { max: 4, perMs: day },
    ],
    member: [
      { max: 10, perMs: hour },
      { max: 20, perMs: day },
    ],
    memberAddresses: [{ max: 5, perMs: day }],
    network: [{ max: 120, perMs: hour }],
    app: { perSecond: 50, burst: 500, perDay: null },
  },
  submissions: {
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

/** Codes to one address over all tenants; half of them for whoever holds it. A setting of the installation. */
export const defaultAddressCap: Window = { max: 20, perMs: day }

/** Who acts on which address, as the limits see it. */
export type ThrottleSubject = {
  readonly tenant: string
  readonly app: string
  readonly member: string
  /** See `limiterKey`: the address with what does not make it another one taken out. */
  readonly limiterKey: string
  /** The client's network, see `networkOfClient`; undefined: not known. */
  readonly network: string | undefined
  /** The address is a contact of the member already. */
  readonly isHolder: boolean
}

/**
 * What one more issue takes. Whoever holds the address has an allowance of his own, which nothing that others do
 * touches; and what refuses others hangs on nothing that he does, so that nobody learns from it that he is there.
 * @param cap  See `defaultAddressCap`.
 */
export function issueLimits(subject: ThrottleSubject, policy: LimitPolicy, cap: Window): Limit[] {
  const { tenant, app, member, network, isHolder } = subject
  const unkeyed = unkeyedOf(policy)
  const total = totalsOf(cap)
  const address = digestOf(subject.limiterKey)
  const limits: Limit[] = [
    { ...(isHolder ? unkeyed.holder : unkeyed.memberAddress), key: `im:${tenant}:${member}:${address}` },
    isHolder
      ? { ...total.holders, key: `ta:holders:${address}` }
      : { ...total.others, key: `ta:others:${address}` },
    { ...unkeyed.member, key: `iu:${tenant}:${member}` },
    { ...unkeyed.memberAddresses, key: `id:${tenant}:${member}`, tag: tagOf(bytesOf(address)) },
    { ...unkeyed.app, key: `ip:${app}` },
  ]
  if (unkeyed.appDay) limits.push({ ...unkeyed.appDay, key: `iq:${app}` })
  if (isHolder) return limits
  limits.push(
    { ...unkeyed.address, key: `ia:${tenant}:${address}` },
    { ...unkeyed.addressWrong, key: `wa:${tenant}:${address}` },
  )
  if (network !== undefined)
    limits.push(
      { ...unkeyed.network, key: `in:${network}` },
      { ...unkeyed.networkWrong, key: `wn:${network}` },
    )
  return limits
}

/**
 * What one more submission takes: only a member's own limits refuse it. `wrong` is taken beforehand as if the code
 * were wrong and refunded when it is right, so that a crash between the two never leaves a guess uncounted.
 */
export function submissionLimits(
  subject: ThrottleSubject,
  policy: LimitPolicy,
): { counted: Limit[]; wrong: Limit[] } {
  const { tenant, member, network, isHolder } = subject
  const unkeyed = unkeyedOf(policy).submissions
  const address = digestOf(subject.limiterKey)
  const own = `${tenant}:${member}:${address}`
  const counted: Limit[] = [{ ...unkeyed.memberAddress, key: `sm:${own}` }]
  const wrong: Limit[] = [
    { ...unkeyed.memberAddressWrong, key: `wm:${own}` },
    { ...unkeyed.memberWrong, key: `wu:${tenant}:${member}` },
  ]
  if (!isHolder)
    // A guess without a live code of one's own can never be right, so it is none at this address.
    wrong.push({ ...unkeyed.addressWrong, key: `wa:${tenant}:${address}`, decoyKey: `wx:${own}` })
  if (network !== undefined) wrong.push({ ...unkeyed.networkWrong, key: `wn:${network}` })
  return { counted, wrong }
}

/**
 * A nonce that an app may use once. A second hit within the time is refused.
 * @param rememberedMs  As long as a signature over it may be accepted.
 */
export function nonceLimit(app: string, nonce: string, rememberedMs: number): Limit {
  return {
    scope: 'app',
    key: `no:${app}:${digestOf(nonce)}`,
    form: 'events',
    rules: [{ kind: 'window', max: 1, perMs: rememberedMs }],
  }
}

/**
 * The partition that a limiter lies in: with its address if it counts one, else with the others of its
 * subject. So a store with shards decides most of what an act takes where the act's record lies.
 */
export function partitionOfLimiter(key: string): number {
  const digest = /^(?:[isw][amx]|ta):.*:([\w-]{20})$/.exec(key)?.[1]
  if (digest !== undefined) return partitionOfDigest(bytesOf(digest))
  return partitionOfSubject(key.slice(key.indexOf(':') + 1))
}

/** The partition of what belongs to a member, an app or a network. @param subject  For a member `tenant:member`. */
export function partitionOfSubject(subject: string): number {
  return partitionOfDigest(bytesOf(digestOf(subject)))
}

/** A limit without its key. */
type UnkeyedLimit = Omit<Limit, 'key' | 'tag' | 'decoyKey'>

/**
 * The limits of a policy are made at its first act and then shared by all: making them anew cost each act some
 * microseconds, and an engine that knows their rules by identity need not be sent them again.
 */
const unkeyedOf = onceForEach((policy: LimitPolicy) => {
  const { issues, submissions, wrong } = policy
  const { gapsMs } = issues.address
  const gaps: Rule[] = gapsMs.length > 0 ? [{ kind: 'gaps', gapsMs, perMs: day }] : []
  const withGaps = (limit: UnkeyedLimit): UnkeyedLimit => ({ ...limit, rules: [...gaps, ...limit.rules] })
  const { perSecond, burst, perDay } = issues.app
  return {
    holder: withGaps(shared('member-address', issues.holder, day)),
    memberAddress: withGaps(shared('member-address', issues.memberAddress, day)),
    member: shared('member', issues.member, day),
    memberAddresses: {
      ...shared('member-addresses', issues.memberAddresses, day),
      form: 'tags',
      rules: issues.memberAddresses.map((window) => ({ kind: 'distinct', ...window })),
    } satisfies UnkeyedLimit,
    app: {
      scope: 'app',
      form: 'bucket',
      rules: [{ kind: 'bucket', perSecond, burst }],
    } satisfies UnkeyedLimit,
    appDay:
      perDay === null
        ? undefined
        : ({
            scope: 'app-day',
            form: 'tally',
            rules: [{ kind: 'tally', max: perDay, perMs: day }],
          } satisfies UnkeyedLimit),
    address: shared('address', issues.address.windows, day),
    addressWrong: { ...shared('address', wrong.address, day), looksOnly: true } satisfies UnkeyedLimit,
    network: shared('network', issues.network, hour),
    networkWrong: { ...shared('network', wrong.network, hour), looksOnly: true } satisfies UnkeyedLimit,
    submissions: {
      memberAddress: shared('member-address', submissions.memberAddress, minute),
      memberAddressWrong: shared('member-address', wrong.memberAddress, 30 * day),
      memberWrong: shared('member', wrong.member, day),
      addressWrong: remembered('address', wrong.address, day),
      networkWrong: remembered('network', wrong.network, hour),
    },
  }
})

/** Half of the cap is kept for whoever holds the address. */
const totalsOf = onceForEach(({ max, perMs }: Window) => {
  const others = Math.floor(max / 2)
  return {
    holders: shared('address-total', [{ max: max - others, perMs }], perMs),
    others: shared('address-total', [{ max: others, perMs }], perMs),
  }
})

/**
 * A limit on a limiter that apps with other policies take from too. It is taken from also where this policy has no
 * limit, for another's limit counts it.
 * @param keepMs  What the default policy looks back: none forgets sooner.
 */
function shared(scope: Scope, windows: readonly Window[], keepMs: number): UnkeyedLimit {
  return { scope, form: 'events', rules: windows.map((window) => ({ kind: 'window', ...window })), keepMs }
}

/** A limit that never refuses, for what is looked at elsewhere. */
function remembered(scope: Scope, windows: readonly Window[], keepMs: number): UnkeyedLimit {
  const longest = windows.reduce((most, { perMs }) => Math.max(most, perMs), keepMs)
  return { scope, form: 'events', rules: [], keepMs: longest }
}

/** The first 15 bytes of SHA-256 in base64url. As text from one call: a third of what a buffer costs. */
function digestOf(text: string): string {
  return hash('sha256', text, 'base64url').slice(0, 20)
}

function bytesOf(digest: string): Buffer {
  return Buffer.from(digest, 'base64url')
}
