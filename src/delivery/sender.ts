/** Whom a message shows as its sender, by the rules of its provider. */

import type { Destination } from '../message/destination.ts'

export type SenderRule = {
  readonly sender: string
  /** ISO regions; null: any. */
  readonly countries: readonly string[] | null
  readonly apps: readonly string[] | null
}

/** @returns By the first rule that fits; null if none does: the carrier's own choice. */
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
