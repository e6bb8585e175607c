/** Ends a verification unused, for its caller. */

import { asCallersSee, isInTime } from '../../verification/stored-verification.ts'
import type { Verb } from '../unit-of-work.ts'
import type { CancelRequest, CancelResult } from '../verifications.ts'
import { once } from './once.ts'
import { ended } from './resend.ts'
import { tell } from './tell.ts'

const cancelAlways: Verb<[CancelRequest], CancelResult> = {
  needs: (needs, { id }) => needs.verification(id),

  decide(unit, { id }) {
    const { now, verifications } = unit
    const record = verifications.get(id)
    const isOpen = record?.state === 'live' || record?.state === 'held'
    if (!record || !isOpen || !isInTime(record, now)) return ended(unit, id)
    const next = verifications.change(record, { state: 'cancelled' })
    tell(unit, 'verification.cancelled', record, { reason: 'caller' })
    return { kind: 'cancelled', record: asCallersSee(next), now }
  },
}

export const cancel = once(cancelAlways, (result) => (result.kind === 'cancelled' ? result : undefined), {
  kind: 'mismatch',
})
