/** The budgets of wrong passwords, and those that a login counts against, by its account and its network. */

import { createHash } from 'node:crypto'
import type { Limit } from './acquire.ts'
import { networkLimits } from './limits-without-login.ts'
import type { Window } from './policy.ts'

/**
 * For the whole installation, as an account login names no app. All are sliding windows.
 * The first three together hold at most 100 wrong passwords in a row (SP 800-63B-4 3.2.2).
 */
export type PasswordLimits = {
  /** For an account from one network. */
  readonly accountNetwork: readonly Window[]
  /** For an account from all networks that it uses, together; a right password empties it. */
  readonly usedNetworks: readonly Window[]
  /** For an account from all other networks together. */
  readonly otherNetworks: readonly Window[]
  /** From a network, for all accounts that were not used from it; from an IPv6 /48 five times as many, at most `maxOfNetwork`. */
  readonly network: readonly Window[]
}

const minute = 60_000
const day = 24 * 60 * minute

export const defaultPasswordLimits: PasswordLimits = {
  accountNetwork: [
    { max: 5, perMs: minute },
    { max: 20, perMs: day },
    { max: 40, perMs: 30 * day },
  ],
  usedNetworks: [{ max: 50, perMs: 30 * day }],
  otherNetworks: [
    { max: 20, perMs: day },
    { max: 50, perMs: 30 * day },
  ],
  network: [{ max: 60, perMs: 60 * minute }],
}

/** The most hits that a limiter remembers one by one. */
export const maxOfNetwork = 300

/** How long after a right password a network counts as used by the account. */
const usedForMs = 30 * day

/** A digest of the account whose password is entered, and the network of the caller, see `networkOf`. */
export type PasswordSubject = { readonly account: string; readonly network: string }

/** @param account  As entered, whether it exists or not. @param network  Of the client, see `networkOf`. */
export function passwordSubject(account: string, network: string): PasswordSubject {
  const digest = createHash('sha256').update(account).digest()
  return { account: digest.toString('base64url', 0, 15), network }
}

/** The limits that one more wrong password counts against. */
export type AppliedPasswordLimits = {
  readonly limits: readonly Limit[]
  /** Keys of those limiters that a right password empties. */
  readonly emptied: readonly string[]
}

/**
 * Networks that the account uses share no budget with other networks. So strangers cannot use up the budget of people who
 * log in from where they did before.
 */
export function passwordLimitsOf(
  { account, network }: PasswordSubject,
  isUsed: boolean,
  policy: PasswordLimits,
): AppliedPasswordLimits {
  const [ofNetwork, ofAccount] = keysOfOwner({ account, network })
  const limits = [limit('password', ofNetwork, policy.accountNetwork)]
  const used = limit('password', ofAccount, policy.usedNetworks)
  if (isUsed) limits.push(used)
  else {
    limits.push(
      limit('password', `po:${account}`, policy.otherNetworks),
      ...networkLimits({ network: 'pn', site: 'ps' }, network, policy.network, maxOfNetwork),
    )
  }
  return { limits: limits.filter((one) => one.rules.length > 0), emptied: isUsed ? [used.key] : [] }
}

/** The limiters of an account from one network, and from all networks that it uses: whoever resets the password empties them. */
export function keysOfOwner({ account, network }: PasswordSubject): readonly [string, string] {
  return [`pw:${account}:${network}`, `pu:${account}`]
}

/** Remembers that the account uses the network. It never refuses; as long as the limiter exists, the network is used. */
export function usedNetworkLimit({ account, network }: PasswordSubject): Limit {
  // All hits have the same tag, so that the newest replaces the one before.
  const rules = [{ kind: 'distinct', max: 1, perMs: usedForMs }] as const
  return { scope: 'password', key: `pk:${account}:${network}`, form: 'tags', rules, tag: 0 }
}

function limit(scope: Limit['scope'], key: string, windows: readonly Window[]): Limit {
  return { scope, key, form: 'events', rules: windows.map((window) => ({ kind: 'window', ...window })) }
}
