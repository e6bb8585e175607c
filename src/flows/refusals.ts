/** Records refusals in the log and the journal, so that operators can explain them to the person who asks. */

import { addressKey } from '../address/address.ts'
import { addressTag } from '../code/address-tag.ts'
import type { KeyRing } from '../code/key-ring.ts'
import { apartFromAnswer } from '../deadline.ts'
import type { Log } from '../log.ts'
import { regionOf } from '../message/destination.ts'
import type { Journal } from '../store/journal.ts'
import type { Throttled } from '../throttle/acquire.ts'
import type { Act } from './subject.ts'

export type Refusal = {
  readonly act: 'send' | 'verify' | 'update'
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

/** The most records in a minute of one member with one address. Further ones would add nothing new. */
const maxOfOne = 6
/** The most records in a minute of one member with all addresses. */
const maxOfMember = 30
/** The most records in a minute of all members: 10 rows a second, at most some 100 MB a day, however many attack. */
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

  function mayRecord(member: string, address: string): boolean {
    if (now() - since >= minuteMs) {
      counted = new Map()
      all = 0
      since = now()
    }
    const one = `${member} ${address}`
    const [ofOne = 0, ofMember = 0] = [counted.get(one), counted.get(member)]
    if (ofOne >= maxOfOne || ofMember >= maxOfMember || all >= maxOfAll) return false
    counted.set(one, ofOne + 1)
    counted.set(member, ofMember + 1)
    all++
    return true
  }

  return ({ session, address }, { act, reason, limit, verification = '' }) => {
    const key = addressKey(address)
    const { tenant, app, member } = {
      tenant: session.tenant.id,
      app: session.app.id,
      member: session.member.id,
    }
    if (!mayRecord(member, key)) return
    const country = regionOf(address)
    // After the answer, so that its time does not show what is recorded.
    apartFromAnswer(() =>
      setImmediate(() => {
        const ids = { tenant, app, member }
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
