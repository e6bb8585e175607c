/** The limits of an installation, their defaults, and the limits that each act counts against. */

import { hash } from 'node:crypto'
import { partitionOfDigest } from '../address/partition.ts'
import { onceForEach } from '../once-for-each.ts'
import { type Limit, type Scope, tagOf } from './acquire.ts'
import type { Rule } from './limiter-state.ts'

export type Window = { readonly max: number; readonly perMs: number }

/** Every limit that an app may override. docs/limits.md explains them and their defaults. */
export type LimitPolicy = {
  readonly issues: {
    readonly address: {
      /** The shortest times between codes that one member asks for one address. */
      readonly gapsMs: readonly number[]
      /** Codes for an address in a tenant, asked for by all members together who do not hold it. */
      readonly windows: readonly Window[]
    }
    /** Codes for an address, asked for by its holder. */
    readonly holder: readonly Window[]
    /** Codes for an address, asked for by one member who does not hold it. */
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
   * Budgets of wrong codes; a right code refunds its hit. The budgets of a member refuse the member's submissions. Other
   * people share those of an address and of a network, so these refuse no submission: they refuse new codes.
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
    // "Five guesses a minute": codes that a member enters for an address, right or wrong, in any 60 seconds (N-5).
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

/** Codes to one address over all tenants, half of them for holders. A setting of the installation. */
export const defaultAddressCap: Window = { max: 20, perMs: day }

/** A person acting on an address, in the form that limits need. */
export type ThrottleSubject = {
  readonly tenant: string
  readonly app: string
  /** The person, see `VerificationKey`. */
  readonly subject: string
  /** The address without its interchangeable parts, see `limiterKey`. */
  readonly limiterKey: string
  /** The client's network, see `networkOfClient`; undefined if it is not known. */
  readonly network: string | undefined
  /** Whether the subject holds the address already, see `Act`. */
  readonly isHolder: boolean
}

/**
 * The limits that one more issue counts against. The holder of an address has a separate allowance that others cannot use
 * up. The limits of others do not depend on the holder, so that a refusal does not show that there is one.
 * @param cap  See `defaultAddressCap`.
 */
export function issueLimits(subject: ThrottleSubject, policy: LimitPolicy, cap: Window): Limit[] {
  const { tenant, app, network, isHolder } = subject
  const person = nameOf(subject)
  const unkeyed = unkeyedOf(policy)
  const total = totalsOf(cap)
  const address = digestOf(subject.limiterKey)
  const limits: Limit[] = [
    { ...(isHolder ? unkeyed.holder : unkeyed.memberAddress), key: `im:${tenant}:${person}:${address}` },
    isHolder
      ? { ...total.holders, key: `ta:holders:${address}` }
      : { ...total.others, key: `ta:others:${address}` },
    { ...unkeyed.member, key: `iu:${tenant}:${person}` },
    { ...unkeyed.memberAddresses, key: `id:${tenant}:${person}`, tag: tagOf(bytesOf(address)) },
    ...limitsOfApp(app, policy),
  ]
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
 * The limits that one more submission counts against. Only the member's own limits refuse it. The hits of `wrong` are
 * made before the comparison and refunded if the code is right, so that a crash in between leaves no guess uncounted.
 */
export function submissionLimits(
  subject: ThrottleSubject,
  policy: LimitPolicy,
): { counted: Limit[]; wrong: Limit[] } {
  const { tenant, network, isHolder } = subject
  const person = nameOf(subject)
  const unkeyed = unkeyedOf(policy).submissions
  const address = digestOf(subject.limiterKey)
  const own = `${tenant}:${person}:${address}`
  const counted: Limit[] = [{ ...unkeyed.memberAddress, key: `sm:${own}` }]
  const wrong: Limit[] = [
    { ...unkeyed.memberAddressWrong, key: `wm:${own}` },
    { ...unkeyed.memberWrong, key: `wu:${tenant}:${person}` },
  ]
  if (!isHolder)
    // A guess by a member without a live code can never be right, so it does not count against the address.
    wrong.push({ ...unkeyed.addressWrong, key: `wa:${tenant}:${address}`, decoyKey: `wx:${own}` })
  if (network !== undefined) wrong.push({ ...unkeyed.networkWrong, key: `wn:${network}` })
  return { counted, wrong }
}

/**
 * The limits of an issue that may send several messages: the windows of the address, the person, the network and the
 * app's day get a hit for each of them, all at once.
 */
export function timesOf(limits: readonly Limit[], messages: number): readonly Limit[] {
  if (messages <= 1) return limits
  const counted = limits.filter(({ scope, looksOnly }) => !looksOnly && countsEach.includes(scope))
  const further = Array.from({ length: messages - 1 }, (_, nth) =>
    counted.map((limit) => ({ ...limit, rules: lowered(limit.rules, nth + 1) })),
  )
  return [...limits, ...further.flat()]
}

const countsEach: readonly Scope[] = ['address', 'address-total', 'member', 'network', 'app-day']

/** Rules that leave room for so many hits before theirs. The same object each time, as of the rules themselves. */
function lowered(rules: readonly Rule[], by: number): readonly Rule[] {
  const known = loweredRules(rules)
  known[by] ??= rules.map((rule) => ('max' in rule ? { ...rule, max: rule.max - by } : rule))
  return known[by]
}

const loweredRules = onceForEach((_rules: readonly Rule[]): (readonly Rule[])[] => [])

/** The limits of codes that an app counts against alone. */
export function limitsOfApp(app: string, policy: LimitPolicy): Limit[] {
  const { app: bucket, appDay } = unkeyedOf(policy)
  return [{ ...bucket, key: `ip:${app}` }, ...(appDay ? [{ ...appDay, key: `iq:${app}` }] : [])]
}

/** The limits that a person counts against whatever the address: of codes, of different addresses, of wrong codes. */
export function limitsOfSubject(
  subject: Pick<ThrottleSubject, 'tenant' | 'app' | 'subject'>,
  policy: LimitPolicy,
): { readonly issues: Limit; readonly addresses: Limit; readonly wrong: Limit } {
  const { member, memberAddresses, submissions } = unkeyedOf(policy)
  const key = `${subject.tenant}:${nameOf(subject)}`
  return {
    issues: { ...member, key: `iu:${key}` },
    addresses: { ...memberAddresses, key: `id:${key}` },
    wrong: { ...submissions.memberWrong, key: `wu:${key}` },
  }
}

/**
 * A subject in keys of limiters: a member's id as it is; any other subject as a digest, because it may be an address, and may
 * be long. It is of its app, because two apps of a tenant may mean two people by one word.
 */
export function nameOf({ app, subject }: Pick<ThrottleSubject, 'app' | 'subject'>): string {
  return subject.includes(':') ? digestOf(`${app} ${subject}`) : subject
}

/**
 * The limit on a nonce, which an app may use once: a second hit within the time is refused.
 * @param rememberedMs  How long a signature over the nonce may be accepted.
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
 * The partition of a limiter: that of its address if it counts by one, else that of its subject. So a store with shards
 * decides most limits of an act on the shard of the act's record.
 */
export function partitionOfLimiter(key: string): number {
  const digest = /^(?:[isw][amx]|ta):.*:([\w-]{20})$/.exec(key)?.[1]
  if (digest !== undefined) return partitionOfDigest(bytesOf(digest))
  return partitionOfSubject(key.slice(key.indexOf(':') + 1))
}

/** The partition of a member, an app or a network. @param subject  For a member `tenant:member`. */
export function partitionOfSubject(subject: string): number {
  return partitionOfDigest(bytesOf(digestOf(subject)))
}

/** A limit without its key. */
type UnkeyedLimit = Omit<Limit, 'key' | 'tag' | 'decoyKey'>

/**
 * Makes the limits of a policy at its first act and then shares them. Making them anew cost each act some microseconds,
 * and an engine that recognises the shared rules by identity need not get them again.
 */
export const unkeyedOf = onceForEach((policy: LimitPolicy) => {
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

/** Half of the cap is kept for holders of the address. */
const totalsOf = onceForEach(({ max, perMs }: Window) => {
  const others = Math.floor(max / 2)
  return {
    holders: shared('address-total', [{ max: max - others, perMs }], perMs),
    others: shared('address-total', [{ max: others, perMs }], perMs),
  }
})

/**
 * A limit on a limiter that apps with other policies share. A hit is made even if this policy has no limit there, because
 * another policy may count it.
 * @param keepMs  How far the default policy looks back. No hit is forgotten sooner.
 */
function shared(scope: Scope, windows: readonly Window[], keepMs: number): UnkeyedLimit {
  return { scope, form: 'events', rules: windows.map((window) => ({ kind: 'window', ...window })), keepMs }
}

/** A limit that counts but never refuses, because it is read elsewhere. */
function remembered(scope: Scope, windows: readonly Window[], keepMs: number): UnkeyedLimit {
  const longest = windows.reduce((most, { perMs }) => Math.max(most, perMs), keepMs)
  return { scope, form: 'events', rules: [], keepMs: longest }
}

/**
 * What stands in keys for a text, such as an address (see `limiterKey`): the first 15 bytes of SHA-256 in base64url. Hashed
 * straight to text, which costs a third of a buffer.
 */
export function digestOf(text: string): string {
  return hash('sha256', text, 'base64url').slice(0, 20)
}

function bytesOf(digest: string): Buffer {
  return Buffer.from(digest, 'base64url')
}
