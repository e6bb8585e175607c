/**
 * The limits of acts that anybody may do without a login. They are apart from all others, and from those of apps, so that
 * such acts use up nobody's allowance elsewhere.
 */

import { siteOf } from '../network/network.ts'
import type { Limit } from './acquire.ts'
import { digestOf, type LimitPolicy, nameOf, type ThrottleSubject, unkeyedOf, type Window } from './policy.ts'

/** In place of tenants, in keys. */
const undoTenant = 'undo'
const resetTenant = ':reset'

/**
 * Who acts on an address in undoing a change: whoever names the reference of the notice, or anybody else.
 * @param limiterKey  Of the address.
 */
export function undoSubject(
  limiterKey: string,
  isHolder: boolean,
): Pick<ThrottleSubject, 'tenant' | 'subject'> {
  return { tenant: undoTenant, subject: `${digestOf(limiterKey)}${isHolder ? '-holder' : ''}` }
}

/** Parts of the keys of all limiters of undoing that stand for an address. */
export function undoLimited(limiterKey: string): readonly string[] {
  return [true, false].map((isHolder) => `${undoTenant}:${undoSubject(limiterKey, isHolder).subject}`)
}

/** Who acts on an address because of a forgotten password. @param subject  See `resetSubject` of verifications. */
export function forgottenSubject(subject: string): Pick<ThrottleSubject, 'tenant' | 'subject'> {
  return { tenant: resetTenant, subject }
}

/**
 * The limits of a code that undoes a change. Whoever names the reference (`isHolder`) has an allowance that strangers cannot
 * use up. The limits do not depend on whether there is anything to undo. @param subject  Of `undoSubject`.
 */
export function limitsOfUndo(subject: ThrottleSubject, policy: LimitPolicy): Limit[] {
  const name = `${subject.tenant}:${subject.subject}`
  return limitsOfCode(subject, policy, name, name)
}

/**
 * The limits of a code for a forgotten password. From a network that the account uses (`isHolder`) there is an allowance
 * that strangers cannot use up. @param subject  Of `forgottenSubject`.
 */
export function limitsOfReset(subject: ThrottleSubject, policy: LimitPolicy): Limit[] {
  const { tenant } = subject
  const address = digestOf(subject.limiterKey)
  return limitsOfCode(subject, policy, `${tenant}:${nameOf(subject)}:${address}`, `${tenant}:${address}`)
}

/** @param own  Of the person at the address. @param all  Of the address, whoever asks. */
function limitsOfCode(
  { isHolder, network }: ThrottleSubject,
  policy: LimitPolicy,
  own: string,
  all: string,
): Limit[] {
  const unkeyed = unkeyedOf(policy)
  if (isHolder) return [{ ...unkeyed.holder, key: `im:${own}` }]
  return [
    { ...unkeyed.address, key: `ia:${all}` },
    { ...unkeyed.memberAddress, key: `im:${own}` },
    ...(network === undefined ? [] : [{ ...unkeyed.network, key: `in:${network}` }]),
  ]
}

/** A whole site may act as often as so many networks. */
const networksOfSite = 5

/**
 * The limits of a network and of its site. A site has 65,536 networks: without a limit of its own somebody could use another
 * network for every act.
 * @param keys  The beginnings of their keys.
 * @param max  The most that a limit of the site may be.
 */
export function networkLimits(
  keys: { readonly network: string; readonly site: string },
  network: string,
  windows: readonly Window[],
  max = Number.POSITIVE_INFINITY,
): Limit[] {
  const limit = (key: string, some: readonly Window[]): Limit => ({
    scope: 'network',
    key,
    form: 'events',
    rules: some.map((window) => ({ kind: 'window', ...window })),
  })
  const site = siteOf(network)
  const ofSite = windows.map((one) => ({ ...one, max: Math.min(max, networksOfSite * one.max) }))
  return [
    limit(`${keys.network}:${network}`, windows),
    ...(site === undefined ? [] : [limit(`${keys.site}:${site}`, ofSite)]),
  ]
}
