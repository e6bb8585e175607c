/** Counts a submission, before its code is compared. */

import { hitsOf, limitsWith } from '../../throttle/acquire.ts'
import { endsLiveCode } from '../../throttle/ends-live-code.ts'
import { acquire, keysOf } from '../../throttle/open-limiters.ts'
import { asCallersSee, submissionOf } from '../../verification/stored-verification.ts'
import type { Verb } from '../unit-of-work.ts'
import type { SubmissionRequest, SubmissionResult } from '../verifications.ts'
import { aliveById, aliveOf } from './alive.ts'
import { once } from './once.ts'
import { tellSpent } from './tell.ts'

const takeAlways: Verb<[SubmissionRequest], SubmissionResult> = {
  needs(needs, { counted, wrong, key, id, repeat }) {
    needs.limiters(keysOf(counted, id))
    needs.limiters(keysOf(wrong, id))
    if (id === undefined) needs.liveOrDecoy(key)
    else needs.verification(id)
    if (repeat !== undefined) needs.repeat(repeat)
  },

  decide(unit, { counted, wrong: wrongLimits, key, id, repeat, maxSubmissions }) {
    const { now, verifications } = unit
    if (repeat !== undefined && unit.repeats.has(repeat)) return { kind: 'repeated' }
    const record = id === undefined ? aliveOf(unit, key) : aliveById(unit, id)
    const isLive = record !== undefined
    const wrongHere = limitsWith(wrongLimits, isLive, id)
    const throttled = acquire(unit.limiters, [...limitsWith(counted, isLive, id), ...wrongHere], now)
    if (throttled) {
      if (record && endsLiveCode(throttled.scopes, record.submissions)) {
        verifications.change(record, { state: 'spent' })
        tellSpent(unit, record)
      }
      return throttled
    }
    const wrong = hitsOf(wrongHere, now)
    if (!record && id !== undefined) {
      const ended = verifications.get(id)
      return { kind: 'taken', record: ended && asCallersSee(ended), now, wrong }
    }
    if (!record) {
      const decoy = verifications.countDecoy()
      return { kind: 'taken', record: undefined, now, wrong, ...(decoy && { decoy }) }
    }
    const next = verifications.change(record, submissionOf(record, maxSubmissions))
    if (next.state === 'spent') tellSpent(unit, record)
    return { kind: 'taken', record: asCallersSee(next), now, wrong }
  },
}

export const takeSubmission = once(takeAlways, (result) => (result.kind === 'taken' ? result : undefined), {
  kind: 'mismatch',
})
