/** What the use of a code tells of its delivery, for the metrics. */

import type { Used } from '../store/verifications.ts'
import type { Services } from './services.ts'

/** Counts a verification once, at the first right submission, for the provider that brought its code. */
export function countUse({ metrics }: Pick<Services, 'metrics'>, used: Used): void {
  if (!used.isFirst || !used.broughtBy) return
  const { provider, channel, region: country } = used.broughtBy
  metrics.used.inc({ provider, channel, country })
  metrics.useSeconds.observe({ provider }, Math.max(0, used.usedAt - used.issuedAt) / 1000)
}
