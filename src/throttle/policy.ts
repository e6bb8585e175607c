/** The limits an installation sets, their defaults, and which takings an act makes under them. */

import { createHash } from 'node:crypto'
import { partitionOfDigest } from '../address/partition.ts'
import type { Rule } from './ledger.ts'
import { type Scope, type Take, tagOf } from './take.ts'

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
   * Budgets of wrong codes; a right one gives its taking back. Those of the member refuse his submissions. Those of
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
export function issueTakes(subject: ThrottleSubject, policy: LimitPolicy, cap: Window): Take[] {
  const { issues, wrong } = policy
  const { tenant, app, member, network, isHolder } = subject
  const digest = digestOf(subject.limiterKey)
  const address = digest.toString('base64url', 0, 15)
  const { gapsMs } = issues.address
  const gaps: Rule[] = gapsMs.length > 0 ? [{ kind: 'gaps', gapsMs, perMs: day }] : []
  const ownKey = `im:${tenant}:${member}:${address}`
  const own = shared('member-address', ownKey, isHolder ? issues.holder : issues.memberAddress, day)
  const [part, most] = isHolder ? ['holders', cap.max - strangersPart(cap)] : ['others', strangersPart(cap)]
  const takes: Take[] = [
    { ...own, rules: [...gaps, ...own.rules] },
    shared('address-total', `ta:${part}:${address}`, [{ max: most, perMs: cap.perMs }], cap.perMs),
    shared('member', `iu:${tenant}:${member}`, issues.member, day),
    {
      ...shared('member-addresses', `id:${tenant}:${member}`, issues.memberAddresses, day),
      form: 'tags',
      rules: issues.memberAddresses.map((window) => ({ kind: 'distinct', ...window })),
      tag: tagOf(digest),
    },
    {
      scope: 'app',
      key: `ip:${app}`,
      form: 'bucket',
      rules: [{ kind: 'bucket', perSecond: issues.app.perSecond, burst: issues.app.burst }],
    },
  ]
  if (issues.app.perDay !== null)
    takes.push({
      scope: 'app-day',
      key: `iq:${app}`,
      form: 'tally',
      rules: [{ kind: 'tally', max: issues.app.perDay, perMs: day }],
    })
  if (isHolder) return takes
  takes.push(shared('address', `ia:${tenant}:${address}`, issues.address.windows, day), {
    ...shared('address', `wa:${tenant}:${address}`, wrong.address, day),
    looksOnly: true,
  })
  if (network !== undefined)
    takes.push(shared('network', `in:${network}`, issues.network, hour), {
      ...shared('network', `wn:${network}`, wrong.network, hour),
      looksOnly: true,
    })
  return takes
}

/**
 * What one more submission takes: only a member's own limits refuse it. `wrong` is taken beforehand as if the code
 * were wrong and given back when it is right, so that a crash between the two never leaves a guess uncounted.
 */
export function submissionTakes(
  subject: ThrottleSubject,
  policy: LimitPolicy,
): { counted: Take[]; wrong: Take[] } {
  const { tenant, member, network, isHolder } = subject
  const address = digestOf(subject.limiterKey).toString('base64url', 0, 15)
  const own = `${tenant}:${member}:${address}`
  const counted = [shared('member-address', `sm:${own}`, policy.submissions.memberAddress, minute)]
  const wrong = [
    shared('member-address', `wm:${own}`, policy.wrong.memberAddress, 30 * day),
    shared('member', `wu:${tenant}:${member}`, policy.wrong.member, day),
  ]
  if (!isHolder)
    // A guess without a live code of one's own can never be right, so it is none at this address.
    wrong.push({
      ...remembered('address', `wa:${tenant}:${address}`, policy.wrong.address, day),
      decoyKey: `wx:${own}`,
    })
  if (network !== undefined) wrong.push(remembered('network', `wn:${network}`, policy.wrong.network, hour))
  return { counted, wrong }
}

/**
 * A nonce that an app may use once. A second taking within the time is refused.
 * @param rememberedMs  As long as a signature over it may be accepted.
 */
export function nonceTake(app: string, nonce: string, rememberedMs: number): Take {
  return {
    scope: 'app',
    key: `no:${app}:${digestOf(nonce).toString('base64url', 0, 15)}`,
    form: 'events',
    rules: [{ kind: 'window', max: 1, perMs: rememberedMs }],
  }
}

/**
 * The partition that a ledger lies in: with its address if it counts one, else with the others of its
 * subject. So a store with shards decides most of what an act takes where the act's record lies.
 */
export function partitionOfLedger(key: string): number {
  const digest = /^(?:[isw][amx]|ta):.*:([\w-]{20})$/.exec(key)?.[1]
  if (digest !== undefined) return partitionOfDigest(Buffer.from(digest, 'base64url'))
  return partitionOfSubject(key.slice(key.indexOf(':') + 1))
}

/** The partition of what belongs to a member, an app or a network. @param subject  For a member `tenant:member`. */
export function partitionOfSubject(subject: string): number {
  return partitionOfDigest(digestOf(subject))
}

/**
 * A take from a ledger that apps with other policies take from too. It is made also where this policy has no limit,
 * for another's limit counts it.
 * @param keepMs  What the default policy looks back: none forgets sooner.
 */
function shared(scope: Scope, key: string, limits: readonly Window[], keepMs: number): Take {
  return { scope, key, form: 'events', rules: limits.map((limit) => ({ kind: 'window', ...limit })), keepMs }
}

/** A take that is never refused, for limits that are looked at elsewhere. */
function remembered(scope: Scope, key: string, limits: readonly Window[], keepMs: number): Take {
  const longest = limits.reduce((most, { perMs }) => Math.max(most, perMs), keepMs)
  return { scope, key, form: 'events', rules: [], keepMs: longest }
}

/** The rest is for whoever holds the address. */
function strangersPart({ max }: Window): number {
  return Math.floor(max / 2)
}

function digestOf(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
