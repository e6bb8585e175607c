/** The points between which a crash matters, published so that fault tests can stop the process there. */

import { channel } from 'node:diagnostics_channel'

export type DeliveryPoint =
  | 'after-commit'
  | 'after-claim'
  | 'after-accept'
  | 'before-settle'
  | 'after-count'
  | 'after-use'
  | 'after-recovery'

const points = channel('countersign.delivery')

/** @param id  Of the message; for `after-count` and `after-use` of the verification, for `after-recovery` of the member. Without a listener it costs one property read. */
export function reached(point: DeliveryPoint, id: string): void {
  if (points.hasSubscribers) points.publish({ point, id })
}
