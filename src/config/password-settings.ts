/** The passwords section of the settings: the budgets of wrong passwords, for the whole installation. */

import { type Static, Type } from '../json-schema.ts'
import { defaultPasswordLimits, maxOfNetwork, type PasswordLimits } from '../throttle/password-limits.ts'
import type { Window } from '../throttle/policy.ts'
import { parseWindow } from './duration.ts'
import { optional, strict, windows } from './policy-schema.ts'

export const passwordsSchema = Type.Object(
  {
    wrong: optional(
      Type.Object(
        {
          accountNetwork: windows(
            'Wrong passwords for an account from one network.',
            defaultPasswordLimits.accountNetwork,
          ),
          usedNetworks: windows(
            'Wrong passwords for an account in a row, from all networks it was used from in 30 days.',
            defaultPasswordLimits.usedNetworks,
          ),
          otherNetworks: windows(
            'Wrong passwords for an account from all other networks together.',
            defaultPasswordLimits.otherNetworks,
          ),
          network: windows(
            'Wrong passwords from one network, for all accounts not used from it; from an IPv6 /48 five times as many, at most 300.',
            defaultPasswordLimits.network,
          ),
        },
        strict,
      ),
    ),
  },
  strict,
)

export type PasswordsFile = Static<typeof passwordsSchema>

/** SP 800-63B-4 3.2.2 allows 100 in a row: half from networks that the account was used from, half from others. */
const maxWrong = 50
/** The shortest window that counts as long: with a budget by the minute alone, thousands of guesses a day are allowed. */
const minLongMs = 24 * 3_600_000

export function passwordLimitsOf({ wrong }: PasswordsFile = {}, problems: string[]): PasswordLimits {
  const limits = {
    accountNetwork: windowsOf(wrong?.accountNetwork) ?? defaultPasswordLimits.accountNetwork,
    usedNetworks: windowsOf(wrong?.usedNetworks) ?? defaultPasswordLimits.usedNetworks,
    otherNetworks: windowsOf(wrong?.otherNetworks) ?? defaultPasswordLimits.otherNetworks,
    network: windowsOf(wrong?.network) ?? defaultPasswordLimits.network,
  }
  for (const name of ['accountNetwork', 'usedNetworks', 'otherNetworks'] as const) {
    const isLong = limits[name].some((one) => one.perMs >= minLongMs)
    if (!isLong || limits[name].some((one) => one.max > maxWrong))
      problems.push(
        `passwords.wrong.${name}: needs a limit over at least 24h, and none above ${maxWrong} (SP 800-63B 3.2.2)`,
      )
  }
  if (limits.network.some((one) => one.max > maxOfNetwork))
    problems.push(`passwords.wrong.network: at most ${maxOfNetwork}; an empty list is no limit`)
  return limits
}

function windowsOf(texts: readonly string[] | undefined): Window[] | undefined {
  return texts?.map((text) => parseWindow(text)!)
}
