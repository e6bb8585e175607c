/** Records refusals in the log and the journal, so that operators can explain them to the person who asks. */

import { addressKey } from '../address/address.ts'
import { addressTag } from '../code/address-tag.ts'
import type { KeyRing } from '../code/key-ring.ts'
import { apartFromAnswer } from '../deadline.ts'
import type { Log } from '../log.ts'
import { regionOf } from '../message/destination.ts'
import type { Journal } from '../store/journal.ts'
import type { Throttled } from '../throttle/acquire.ts'
import { shownSubject } from '../verification/subject.ts'
import type { Act } from './subject.ts'

export type Refusal = {
  readonly act: 'send' | 'verify' | 'update' | 'undo'
  /** throttled · a send: unreachable · a code: wrong, expired, used, dead, unknown · a change: unproven, bound, refused. */
  readonly reason: string
  /** The limit that refused, if one did. */
  readonly limit?: Throttled
  /** The verification of the code, if one is known. */
  readonly verification?: string
}

/** Records a refusal after the answer. */
export type RecordRefusal = (act: Act, refusal: Refusal) => void

export type RefusalNeeds = {
  readonly journal: Pick<Journal, 'append'>
  readonly ring: Pick<KeyRing, 'newest'>
  readonly log: Pick<Log, 'info'>
  /** Milliseconds by a clock that never goes back. */
  readonly now?: () => number
}

/** The most records in a minute of one person with one address. Further ones would add nothing new. */
const maxOfOne = 6
/** The most records in a minute of one person with all addresses. */
const maxOfSubject = 30
/** The most records in a minute of all people: 10 rows a second, at most some 100 MB a day, however many attack. */
const maxOfAll = 600
const minuteMs = 60_000

export function createRefusals({
  journal,
  ring,
  log,
  now = () => performance.now(),
}: RefusalNeeds): RecordRefusal {
  let counted = new Map<string, number>()
  let all = 0
  let since = now()

  function mayRecord(subject: string, address: string): boolean {
    if (now() - since >= minuteMs) {
      counted = new Map()
      all = 0
      since = now()
    }
    const one = `${subject} ${address}`
    const [ofOne = 0, ofSubject = 0] = [counted.get(one), counted.get(subject)]
    if (ofOne >= maxOfOne || ofSubject >= maxOfSubject || all >= maxOfAll) return false
    counted.set(one, ofOne + 1)
    counted.set(subject, ofSubject + 1)
    all++
    return true
  }

  return ({ tenant, app, subject, address }, { act, reason, limit, verification = '' }) => {
    const key = addressKey(address)
    if (!mayRecord(subject, key)) return
    const country = regionOf(address)
    // After the answer, so that its time does not show what is recorded.
    apartFromAnswer(() =>
      setImmediate(() => {
        const ids = { tenant, app: app.id, member: shownSubject(subject) }
        const rule = limit && { scope: limit.scope, rule: limit.rule }
        log.info(act === 'send' ? 'a send was refused' : 'a code was refused', {
          ...ids,
          verification,
          country,
          outcome: reason,
          ...rule,
        })
        journal
          .append({
            kind: 'refusal',
            ...ids,
            verification,
            addressTag: addressTag(ring.newest, key),
            detail: { act, reason, ...rule, ...(limit && { retryAfterMs: Math.ceil(limit.retryAfterMs) }) },
          })
          .catch(() => undefined)
      }),
    )
  }
}
