/** Counts for the metrics which provider brought the codes that were used. */

import type { Used } from '../store/verifications.ts'
import type { Services } from './services.ts'

type Needs = {
  readonly metrics: Pick<Services['metrics'], 'used' | 'useSeconds'>
  readonly store: { readonly dispatches: Pick<Services['store']['dispatches'], 'of'> }
}

/** When to look again: a quick person may use a code before its dispatch is recorded, if the carrier answers slowly. */
const lookAgainMs = [500, 2_000, 10_000]

/**
 * Counts a verification once, at the first right submission, for the provider that brought its code.
 * @param isTest  A code of a test address was not sent, so there is no dispatch to look for.
 */
export function countUse(
  { metrics, store }: Needs,
  { id, isTest }: { readonly id: string; readonly isTest: boolean },
  used: Used,
): void {
  if (!used.isFirst || isTest) return
  const count = ({ provider, channel, region: country }: Bringer) => {
    metrics.used.inc({ provider, channel, country })
    metrics.useSeconds.observe({ provider }, Math.max(0, used.usedAt - used.issuedAt) / 1000)
  }
  if (used.broughtBy) {
    count(used.broughtBy)
    return
  }
  const look = (nth: number) => {
    const waitMs = lookAgainMs[nth]
    if (waitMs === undefined) return
    setTimeout(async () => {
      const found = await store.dispatches.of(id).catch(() => [])
      const brought = found.findLast((one) => one.outcome === 'accepted' && one.handedOverAt <= used.usedAt)
      if (brought) count(brought)
      else look(nth + 1)
    }, waitMs).unref()
  }
  look(0)
}

type Bringer = { readonly provider: string; readonly channel: string; readonly region: string }
