/** The trace of what was refused: a line in the log and an entry in the journal, so that the person asking can be told why. */

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
  /** throttled; of a send unreachable; of a code wrong, expired, used, dead, unknown; of a change unproven, bound, refused. */
  readonly reason: string
  /** If a limit refused. */
  readonly limit?: Throttled
  /** The verification whose code it was; absent if none is known. */
  readonly verification?: string
}

/** Does nothing that the answer waits for. */
export type RecordRefusal = (act: Act, refusal: Refusal) => void

export type RefusalNeeds = {
  readonly journal: Pick<Journal, 'append'>
  readonly ring: Pick<KeyRing, 'newest'>
  readonly log: Pick<Log, 'info'>
  /** Milliseconds by a clock that nobody sets. */
  readonly now?: () => number
}

/** In a minute of one member with one address: who tries on adds nothing that is not known by then. */
const mostOfOne = 6
/** In a minute of one member with whatever addresses. */
const mostOfMember = 30
/** In a minute of all: 10 rows a second, some 100 MB a day at most, however many attack. */
const mostOfAll = 600
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

  function hasRoom(member: string, address: string): boolean {
    if (now() - since >= minuteMs) {
      counted = new Map()
      all = 0
      since = now()
    }
    const one = `${member} ${address}`
    const [ofOne = 0, ofMember = 0] = [counted.get(one), counted.get(member)]
    if (ofOne >= mostOfOne || ofMember >= mostOfMember || all >= mostOfAll) return false
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
    if (!hasRoom(member, key)) return
    const country = regionOf(address)
    // Behind the answer: what is written must not be seen in its time.
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
