/** The sender that a message shows, by the rules of its provider. */

import type { Destination } from '../message/destination.ts'

export type SenderRule = {
  readonly sender: string
  /** ISO regions; null: any. */
  readonly countries: readonly string[] | null
  readonly apps: readonly string[] | null
}

/** @returns The sender of the first rule that fits. null if none does; the carrier then chooses. */
export function senderFor(
  rules: readonly SenderRule[],
  { region, app }: Pick<Destination, 'region' | 'app'>,
): string | null {
  const rule = rules.find(
    ({ countries, apps }) =>
      (countries === null || countries.includes(region)) && (apps === null || apps.includes(app)),
  )
  return rule?.sender ?? null
}
