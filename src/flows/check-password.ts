/** Checks a password within its budgets and with few threads, whatever others do meanwhile. */

import { createHmac, randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { apartFromAnswer } from '../deadline.ts'
import type { Member } from '../directory/directory.ts'
import { isRightPassword, nobodysHash } from '../directory/password.ts'
import type { Metrics } from '../metrics.ts'
import type { Store } from '../store/store.ts'
import {
  type PasswordLimits,
  type PasswordSubject,
  passwordLimitsOf,
  passwordSubject,
  usedNetworkLimit,
} from '../throttle/password-limits.ts'
import type { Reservation } from '../throttle/reservation.ts'
import { createFairQueue } from './fair-queue.ts'

export type PasswordOutcome =
  | { readonly kind: 'right'; readonly member: Member }
  | { readonly kind: 'wrong' }
  | { readonly kind: 'locked'; readonly retryAfterMs: number }
  /** The password was not compared, and nothing counts. */
  | { readonly kind: 'busy' }

/** @param network  The client's, see `networkOf`. @throws AppError `store.unavailable`. */
export type CheckPassword = (account: string, password: string, network: string) => Promise<PasswordOutcome>

export type CheckPasswordNeeds = {
  readonly store: Pick<Store, 'directory' | 'limiters'>
  /** null: no limits, for load tests. */
  readonly limits: PasswordLimits | null
  readonly metrics: Pick<Metrics, 'passwords' | 'throttled'>
}

/**
 * Comparisons at the same time. Each keeps a thread of libuv's pool busy for some 20 ms and takes 19 MiB. The pool has
 * four threads, which files and names need too.
 */
const maxComparisons = 2
/** The most callers in the queue, of each kind. Some 80 passwords are compared in a second, so more would wait in vain. */
const maxWaiting = 48
/** The longest wait in the queue. The answer is due in 850 ms, and a comparison and three calls to the store follow. */
const maxWaitMs = 500
/** The pause before asking again for capacity that others have reserved; they settle as soon as they have compared. */
const contendedPauseMs = 25

export function createPasswordCheck({ store, limits: policy, metrics }: CheckPasswordNeeds): CheckPassword {
  const { directory, limiters } = store
  const queue = createFairQueue(maxComparisons, maxWaiting)
  const underWay = new Map<string, Promise<PasswordOutcome>>()
  const secret = randomBytes(32)

  /** Callers with the same login during a check share its result. Programs with many connections log in so. */
  function shared(account: string, password: string, network: string): Promise<PasswordOutcome> {
    const subject = passwordSubject(account, network)
    const name = createHmac('sha256', secret)
      .update(JSON.stringify([account, network, password]))
      .digest('base64')
    const other = underWay.get(name)
    if (other) return other
    const outcome = check(account, password, subject).finally(() => underWay.delete(name))
    underWay.set(name, outcome)
    return outcome
  }

  async function check(
    account: string,
    password: string,
    subject: PasswordSubject,
  ): Promise<PasswordOutcome> {
    const until = performance.now() + maxWaitMs
    const used = usedNetworkLimit(subject)
    const isKnown = policy !== null && (await limiters.isHeld(used.key))
    const who = { network: subject.network, isKnown }
    for (;;) {
      const outcome = await queue.inTurn(who, until, () => compare(account, password, subject, isKnown))
      if (outcome?.kind !== 'contended') return outcome ?? { kind: 'busy' }
      if (performance.now() >= until) return { kind: 'busy' }
      await sleep(contendedPauseMs)
    }
  }

  async function compare(
    account: string,
    password: string,
    subject: PasswordSubject,
    isKnown: boolean,
  ): Promise<PasswordOutcome | { readonly kind: 'contended' }> {
    // Unknown accounts are looked up, counted and compared in the same way, so that nothing shows them.
    const member = await directory.memberByLogin(account)
    if (!policy)
      return (await isRight(member, password)) ? { kind: 'right', member: member! } : { kind: 'wrong' }
    const { limits, emptied } = passwordLimitsOf(subject, isKnown, policy)
    const reserved = await limiters.reserve(limits)
    if (reserved.kind === 'contended') return reserved
    if (reserved.kind === 'throttled') {
      metrics.throttled.inc({ act: 'login', scope: reserved.scope })
      return { kind: 'locked', retryAfterMs: reserved.retryAfterMs }
    }
    const { reservation } = reserved
    let isItRight: boolean
    try {
      isItRight = await isRight(member, password)
    } catch (error) {
      await free(reservation, [])
      throw error
    }
    if (!isItRight) {
      // Counted before the answer, and even if it is too late to answer.
      await apartFromAnswer(() => limiters.settle({ reservation, counts: true, emptied: [] }))
      return { kind: 'wrong' }
    }
    await Promise.all([free(reservation, emptied), limiters.acquire([usedNetworkLimit(subject)])])
    return { kind: 'right', member: member! }
  }

  /** Frees a reservation. If the store fails, it ends by itself a little later. */
  async function free(reservation: Reservation, emptied: readonly string[]): Promise<void> {
    await apartFromAnswer(() => limiters.settle({ reservation, counts: false, emptied })).catch(
      () => undefined,
    )
  }

  return async (account, password, network) => {
    const outcome = await shared(account, password, network)
    metrics.passwords.inc({ outcome: outcome.kind })
    return outcome
  }
}

async function isRight(member: Member | undefined, password: string): Promise<boolean> {
  return (await isRightPassword(password, member?.passwordHash ?? nobodysHash())) && member !== undefined
}
