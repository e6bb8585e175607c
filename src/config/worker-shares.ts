/** The share of one worker in limits that hold for all workers together. */

import { engineOf, type StoreChoice } from '../store/engines.ts'
import { sharedNumbers } from './provider-settings.ts'
import type { ProviderSettings, Settings } from './settings.ts'

/** Settings with which several workers cannot run. */
export function workerProblems(
  workers: number,
  store: StoreChoice,
  providers: Settings['providers'],
): string[] {
  if (workers === 1) return []
  const problems: string[] = []
  if (!engineOf(store).isShared)
    problems.push(
      `workers: ${workers} processes cannot share an SQLite store; state store: postgres://USER@HOST/DATABASE, or workers: 1`,
    )
  for (const [name, one] of Object.entries(providers))
    for (const [setting, whole] of wholesOf(one))
      if (whole < workers)
        problems.push(
          `providers.${name}.${setting}: is ${whole}, and each of ${workers} workers needs at least one; state ${workers} or more, or fewer workers`,
        )
  return problems
}

/**
 * The settings of one of several workers. Rates are divided. Whole numbers are divided too, and the first workers get
 * the remainder. A worker cannot use another's unused share.
 * @param number  From 1 to `workers`.
 */
export function shareOf(settings: Settings, number: number, workers: number): Settings {
  const share = (one: ProviderSettings): ProviderSettings => ({
    ...one,
    perSecond: one.perSecond === null ? null : one.perSecond / workers,
    ...Object.fromEntries(
      wholesOf(one).map(([setting, whole]) => [
        setting,
        // At least one: the settings may have been read anew since the workers were counted.
        Math.max(1, Math.floor(whole / workers) + Number(number <= whole % workers)),
      ]),
    ),
  })
  const providers = Object.entries(settings.providers).map(([name, one]) => [name, share(one)] as const)
  return { ...settings, providers: Object.fromEntries(providers) }
}

/** The settings of a carrier that are whole numbers, such as its window. */
function wholesOf(one: ProviderSettings): [setting: string, whole: number][] {
  const numbers = one as unknown as Readonly<Record<string, number>>
  return ['window', ...sharedNumbers(one)].map((setting) => [setting, numbers[setting]!])
}
