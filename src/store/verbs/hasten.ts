/** Makes the next step of a live verification's plan due now. */

import { nextChannelIn } from '../../message/second.ts'
import { isWaitingForReceipt } from '../../message/stored-entry.ts'
import { asCallersSee } from '../../verification/stored-verification.ts'
import type { Verb } from '../unit-of-work.ts'
import type { HastenRequest, HastenResult } from '../verifications.ts'
import { aliveById, enterable } from './alive.ts'
import { once } from './once.ts'
import { ended } from './resend.ts'

const hastenAlways: Verb<[HastenRequest], HastenResult> = {
  needs(needs, { id, entry }) {
    needs.verification(id)
    needs.entry(entry)
  },

  decide(unit, { id, entry: key, maxSubmissions }) {
    const { now, outbox } = unit
    const alive = enterable(unit, aliveById(unit, id), maxSubmissions)
    if (!alive) return ended(unit, id)
    const entry = outbox.get(key)
    if (!entry || !isWaitingForReceipt(entry)) return { kind: 'none' }
    if (entry.dueAt > now) outbox.change(key, { ...entry, dueAt: now })
    const { channel } = nextChannelIn(entry.second!)
    return { kind: 'hastened', record: asCallersSee(alive), now, channel }
  },
}

export const hasten = once(hastenAlways, (result) => (result.kind === 'hastened' ? result : undefined), {
  kind: 'mismatch',
})
