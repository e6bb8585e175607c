/** Counts a submission, before its code is compared. */

import { hitsOf, limitsWith } from '../../throttle/acquire.ts'
import { endsLiveCode } from '../../throttle/ends-live-code.ts'
import { acquire, keysOf } from '../../throttle/open-limiters.ts'
import { asCallersSee, submissionOf } from '../../verification/stored-verification.ts'
import type { Verb } from '../unit-of-work.ts'
import type { SubmissionRequest, SubmissionResult } from '../verifications.ts'
import { aliveOf } from './alive.ts'

export const takeSubmission: Verb<[SubmissionRequest], SubmissionResult> = {
  needs(needs, { counted, wrong, key, repeat }) {
    needs.limiters(keysOf(counted))
    needs.limiters(keysOf(wrong))
    needs.liveOrDecoy(key)
    if (repeat !== undefined) needs.repeat(repeat)
  },

  decide(unit, { counted, wrong: wrongLimits, key, repeat, maxSubmissions }) {
    const { now, verifications } = unit
    if (repeat !== undefined && unit.repeats.has(repeat)) return { kind: 'repeated' }
    const record = aliveOf(unit, key)
    const wrongHere = limitsWith(wrongLimits, record !== undefined)
    const throttled = acquire(unit.limiters, [...counted, ...wrongHere], now)
    if (throttled) {
      if (record && endsLiveCode(throttled.scopes)) verifications.change(record, { state: 'spent' })
      return throttled
    }
    const wrong = hitsOf(wrongHere, now)
    if (!record) {
      const decoy = verifications.countDecoy()
      return { kind: 'taken', record: undefined, now, wrong, ...(decoy && { decoy }) }
    }
    const next = verifications.change(record, submissionOf(record, maxSubmissions))
    return { kind: 'taken', record: asCallersSee(next), now, wrong }
  },
}
