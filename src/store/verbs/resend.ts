/** Queues the message of a live verification again. */

import { acquire, keysOf } from '../../throttle/open-limiters.ts'
import { asCallersSee } from '../../verification/stored-verification.ts'
import type { UnitOfWork, Verb } from '../unit-of-work.ts'
import type { Ended, ResendRequest, ResendResult } from '../verifications.ts'
import { aliveById, enterable } from './alive.ts'
import { sendAfterMsOf } from './issue.ts'
import { once } from './once.ts'

const resendAlways: Verb<[ResendRequest], ResendResult> = {
  needs(needs, { id, limits }) {
    needs.limiters(keysOf(limits))
    needs.verification(id)
  },

  decide(unit, { id, limits, message, lease, maxSubmissions }) {
    const alive = enterable(unit, aliveById(unit, id), maxSubmissions)
    if (!alive) return ended(unit, id)
    const throttled = acquire(unit.limiters, limits, unit.now)
    if (throttled) return throttled
    const record = asCallersSee(alive)
    const entry = message && unit.outbox.put(message, lease, record)
    return {
      kind: 'sent',
      record,
      now: unit.now,
      sendAfterMs: sendAfterMsOf(unit, limits),
      ...(entry && { entry }),
    }
  },
}

export const resend = once(
  resendAlways,
  (result) => {
    if (result.kind !== 'sent') return undefined
    const { entry: _entry, ...kept } = result
    return kept
  },
  { kind: 'mismatch' },
)

export function ended(unit: UnitOfWork, id: string): Ended {
  const record = unit.verifications.get(id)
  return { kind: 'ended', record: record && asCallersSee(record), now: unit.now }
}
