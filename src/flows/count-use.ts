/** What the use of a code tells of its delivery, for the metrics. */

import type { Used } from '../store/verifications.ts'
import type { Services } from './services.ts'

type Needs = {
  readonly metrics: Pick<Services['metrics'], 'used' | 'useSeconds'>
  readonly store: { readonly dispatches: Pick<Services['store']['dispatches'], 'of'> }
}

/** A quick person, or a carrier that answers slowly: the code is used before its dispatch is recorded. */
const lookAgainMs = [500, 2_000, 10_000]

/**
 * Counts a verification once, at the first right submission, for the provider that brought its code.
 * @param isTest  Nothing was sent, so nothing is looked for.
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
