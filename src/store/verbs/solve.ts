/** Makes a held verification live, because its challenge was solved. The state is the ledger that takes a solution once. */

import { asCallersSee, isInTime } from '../../verification/stored-verification.ts'
import type { Verb } from '../unit-of-work.ts'
import type { SolveRequest, SolveResult } from '../verifications.ts'
import { aliveOf } from './alive.ts'
import { once } from './once.ts'
import { ended } from './resend.ts'
import { tell } from './tell.ts'

const solveAlways: Verb<[SolveRequest], SolveResult> = {
  needs(needs, { id, key }) {
    needs.verification(id)
    needs.live(key)
  },

  decide(unit, { id, key, lifetimeMs, message, lease }) {
    const { now, verifications } = unit
    const held = verifications.get(id)
    if (held?.state !== 'held' || !isInTime(held, now)) return ended(unit, id)
    // At most one is live for a key.
    const other = aliveOf(unit, key)
    if (other) {
      verifications.change(other, { state: 'cancelled' })
      tell(unit, 'verification.cancelled', other, { reason: 'replaced' })
    }
    const life = { state: 'live', issuedAt: now, expiresAt: now + lifetimeMs } as const
    const record = asCallersSee(verifications.change(held, life))
    const entry = message && unit.outbox.put(message, lease, record)
    return { kind: 'sent', record, now, ...(entry && { entry }) }
  },
}

export const solve = once(
  solveAlways,
  (result) => {
    if (result.kind !== 'sent') return undefined
    const { entry: _entry, ...kept } = result
    return kept
  },
  { kind: 'mismatch' },
)
